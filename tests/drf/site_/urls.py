"""Every URL of the site."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from . import editions, extras, library, library_json_api, oracle, resources, specimens

router = SimpleRouter()
router.register("users", resources.UserViewSet)
router.register("posts", resources.PostViewSet)
router.register("comments", resources.CommentViewSet)
router.register("teams", resources.TeamViewSet)
router.register("articles", resources.ArticleViewSet)
router.register("labels", resources.LabelViewSet)
for name, viewset in resources.item_viewsets():
    router.register(f"items/{name}", viewset, basename=f"item-{name}")
router.register("items/tagged", resources.tagged(weak=False), basename="item-tagged")
router.register("items/tagged-weakly", resources.tagged(weak=True), basename="item-tagged-weakly")
for name, viewset in specimens.viewsets():
    router.register(f"specimens/{name}", viewset, basename=f"specimen-{name}")
library.register(router)
library_json_api.register(router)
editions.register(router)

urlpatterns = [
    path("api/v1/", include(router.urls)),
    path("api/v1/whoami/", extras.WhoAmI.as_view()),
    path("api/v1/throttled/", extras.Throttled.as_view()),
    path("api/v1/broken/", extras.Broken.as_view()),
    path("api/v1/empty/", extras.Empty.as_view()),
    path("info/", extras.info),
    path("oracle/", oracle.answer),
    path("reset/", extras.reset),
]
