"""The site with logins: simplejwt, django-oauth-toolkit, dj-rest-auth and Django's own sessions."""
