#!/bin/sh
# What the hub runs first as the person whose server it starts: the folder to work in, and then the
# command. What they write is their own, and the start page is there.
umask 077
chmod go= "$HOME"
mkdir -p "$1" && cd "$1" || exit
shift
if [ -n "$DLCOURSE_HUB_START" ] && [ ! -e start.md ]; then cp "$DLCOURSE_HUB_START" start.md; fi
exec "$@"
