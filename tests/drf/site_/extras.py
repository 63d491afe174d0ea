"""Endpoints that are no resources: identity, throttling, failures, and the tests' own controls."""

from threading import Lock

from django.core.cache import cache
from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_POST
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from .fixture import load_fixture


class WhoAmI(APIView):
    def get(self, request):
        return Response({"token": request.user.username})


class OnePerSecond(UserRateThrottle):
    """One request a second for each token; the lock makes two concurrent ones one too many."""

    rate = "1/second"
    lock = Lock()

    def allow_request(self, request, view):
        with self.lock:
            return super().allow_request(request, view)


class Throttled(APIView):
    throttle_classes = [OnePerSecond]

    def get(self, request):
        return Response({"ok": True})

    post = get


class Broken(APIView):
    """Fails: Django answers with its HTML page, not with JSON."""

    def get(self, request):
        raise RuntimeError("broken on purpose")

    post = put = patch = delete = get


class Empty(APIView):
    def get(self, request):
        return Response(status=204)

    post = put = patch = delete = options = get


def info(request):
    """What the server saw of this connection."""
    scope = getattr(request, "scope", None)
    if scope is not None:
        version, port, server = scope["http_version"], scope["client"][1], "hypercorn"
    else:
        version = request.META["SERVER_PROTOCOL"].removeprefix("HTTP/")
        port, server = request.META["REMOTE_PORT"], "gunicorn"
    return JsonResponse({"http_version": version, "client_port": int(port), "server": server})


@require_POST
def reset(request):
    """Put the data set back, ids included, and forget who was throttled."""
    load_fixture()
    cache.clear()
    return HttpResponse(status=204)
