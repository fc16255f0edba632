#!/bin/sh
# Makes what jupyterhub_config.py expects, as root, in the steps that are named (all by default).
# What is there already is brought up to date, so that it can be run again at any time.
set -eu

base=${DLCOURSE_HUB_BASE:-/srv/dl-practical}
exchange=${DLCOURSE_HUB_EXCHANGE:-$base/exchange}
course=${DLCOURSE_HUB_COURSE:-dl-practical}
account=${DLCOURSE_HUB_ACCOUNT:-dl-practical}
instructors=${DLCOURSE_HUB_INSTRUCTORS:-dl-instructors}
students=${DLCOURSE_HUB_STUDENTS:-dl-students}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
proxy=configurable-http-proxy@5.3.0

# The account that owns the course, and the two groups whose members may log in.
accounts() {
    for group in "$instructors" "$students"; do
        getent group "$group" >/dev/null || groupadd --system "$group"
    done
    getent passwd "$account" >/dev/null ||
        useradd --system --user-group --home-dir "$base/account" --shell /bin/bash "$account"
}

# folder OWNER GROUP MODE PATH
folder() {
    mkdir -p "$4"
    chown "$1:$2" "$4"
    chmod "$3" "$4"
}

folders() {
    folder root root 0755 "$base"
    folder root root 0755 "$base/env"
    folder root root 0755 "$base/data"
    folder root root 0700 "$base/hub"
    folder "$account" "$account" 0700 "$base/account"
    folder "$account" "$account" 0700 "$base/course"
    # Students may write into the exchange, and nobody may move what is another's: hence the 1.
    folder root root 1777 "$exchange"
    # They put into inbound what only the course lists, and take from feedback what they know by
    # name.
    folder "$account" "$account" 0755 "$exchange/$course"
    folder "$account" "$account" 0755 "$exchange/$course/outbound"
    folder "$account" "$account" 0733 "$exchange/$course/inbound"
    folder "$account" "$account" 0711 "$exchange/$course/feedback"
}

# What the hub runs and what everybody's server reads.
configuration() {
    folder root root 0755 "$base/shared"
    folder root root 0755 "$base/shared/instructor"
    install -m 0644 "$here/jupyterhub_config.py" "$here/spawner.py" "$base/hub"
    install -m 0644 "$here/shared/nbgrader_config.py" "$root/deploy/start.md" "$base/shared"
    install -m 0755 "$here/shared/begin.sh" "$base/shared"
    install -m 0644 "$here/shared/instructor/jupyter_server_config.json" "$base/shared/instructor"
}

# The course's own environment. It belongs to root, for the hub runs in it, too.
instructor_environment() {
    make -C "$root" --no-print-directory setup VENV="$base/env/instructor"
    "$base/env/instructor/bin/python" -m pip install --quiet --no-deps --no-build-isolation \
        --force-reinstall "$root"
    chown root:"$account" "$base/env/instructor"
    chmod 0750 "$base/env/instructor"
}

# The students': their bundle's packages and wheel, and the hub's part of the course's lock.
student_environment() {
    (cd "$root" && "$base/env/instructor/bin/dlcourse" bundle --hub)
    [ -x "$base/env/student/bin/python" ] ||
        "$base/env/instructor/bin/python" -m venv "$base/env/student"
    rm -rf "$base/hub/bundle"
    "$base/env/student/bin/python" -m zipfile -e "$root"/dist/dl-practical-*-hub.zip \
        "$base/hub/bundle"
    pip="$base/env/student/bin/python -m pip install --quiet"
    # The second, since a wheel of the same version would be taken to be the one that is there.
    (cd "$base"/hub/bundle/*/ && $pip --require-hashes --requirement requirements.txt &&
        $pip --no-deps --force-reinstall ./dlcourse-*.whl)
    setpriv --reuid=65534 --regid=65534 --clear-groups "$base/env/student/bin/python" -c "" || {
        echo "Students cannot run the Python of $base/env/student. Use one that everybody can" \
            "reach, such as the system's: PYTHON=/usr/bin/python3 $0" >&2
        exit 1
    }
}

proxy() {
    npm install --silent --prefix "$base/hub" "$proxy"
}

# The course: this repository at its last commit. From then on it belongs to the instructors, who
# pull from where this came from. What it was made of holds solutions, too, and is root's alone.
course() {
    chmod go= "$root"
    if [ ! -e "$base/course/source" ]; then
        git clone --quiet "$root" "$base/course"
        origin=$(git -C "$root" remote get-url origin 2>/dev/null || echo "$root")
        git -C "$base/course" remote set-url origin "$origin"
    fi
    chown -R "$account:$account" "$base/course"
}

service() {
    sed "s#/srv/dl-practical#$base#g" "$here/jupyterhub.service" \
        >/etc/systemd/system/jupyterhub.service
    systemctl daemon-reload
    systemctl enable --now jupyterhub
}

for step in ${*:-accounts folders configuration instructor_environment student_environment \
    proxy course service}; do
    "$step"
done
