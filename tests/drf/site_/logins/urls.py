"""The URLs of the site, the logins, and labels behind each of them."""

from dj_rest_auth.views import LoginView
from django.urls import include, path
from oauth2_provider.contrib.rest_framework import OAuth2Authentication, TokenHasReadWriteScope
from oauth2_provider.views import TokenView
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.routers import SimpleRouter
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from ..resources import LabelViewSet
from ..urls import urlpatterns as site
from .accounts import accounts

# An application's token has no user, but scopes.
WAYS = {
    "jwt": (JWTAuthentication, IsAuthenticated),
    "session": (SessionAuthentication, IsAuthenticated),
    "oauth2": (OAuth2Authentication, TokenHasReadWriteScope),
}

router = SimpleRouter()
for way, (authentication, permission) in WAYS.items():
    classes = {"authentication_classes": [authentication], "permission_classes": [permission]}
    behind = type("LabelsBehind", (LabelViewSet,), classes)
    router.register(f"{way}/labels", behind, basename=f"{way}-label")

urlpatterns = [
    *site,
    path("", include(router.urls)),
    path("api/token/", TokenObtainPairView.as_view()),
    path("api/token/refresh/", TokenRefreshView.as_view()),
    path("o/token/", TokenView.as_view()),
    path("api-auth/", include("rest_framework.urls")),
    path("json/login/", LoginView.as_view()),
    path("accounts/", accounts),
]
