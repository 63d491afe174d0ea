"""The tests' own control of accounts: makes them, ends what they were given, and counts it."""

import json

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider.models import AccessToken, Application
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

PASSWORD = "open sesame & 7%"


@csrf_exempt
def accounts(request):
    """`{"name": .., "do": ..}`, for a user and an application of that name; both have PASSWORD."""
    asked = json.loads(request.body)
    name, do = asked["name"], asked["do"]
    user, is_new = User.objects.get_or_create(username=name)
    if is_new or do == "end":
        # The same password as it is stored anew: no access token is good any more.
        user.set_password(PASSWORD)
        user.save()
    if is_new:
        Application.objects.create(
            name=name,
            client_id=name,
            client_secret=PASSWORD,
            client_type=Application.CLIENT_CONFIDENTIAL,
            authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
            user=user,
        )
    if do in ("end", "forget"):
        AccessToken.objects.filter(application__client_id=name).delete()
        for session in sessions(user):
            session.delete()
    pairs = OutstandingToken.objects.filter(user=user)
    if do == "forget":
        for pair in pairs:
            BlacklistedToken.objects.get_or_create(token=pair)
    return JsonResponse(
        {
            "password": PASSWORD,
            "pairs": pairs.count(),
            "used": BlacklistedToken.objects.filter(token__user=user).count(),
            "tokens": AccessToken.objects.filter(application__client_id=name).count(),
            "sessions": len(sessions(user)),
        }
    )


def sessions(user):
    every = Session.objects.all()
    return [one for one in every if one.get_decoded().get("_auth_user_id") == str(user.pk)]
