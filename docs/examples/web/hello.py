"""A WSGI application that tells which process answered."""

import os


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello from process %d\n" % os.getpid()]
