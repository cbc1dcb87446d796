#!/usr/bin/env bash
# Written by `grade ci init`. Run once, when Gradescope builds the image.
set -euo pipefail
cd /autograder/source
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
for python in python3.12 python3.11 python3.13; do
  if apt-get install -q -y --no-install-recommends "$python" "$python-venv" libseccomp2; then break; fi
done
# Outside source/: students' code imports packages from here, and may not read source/.
"$python" -m venv /opt/grader
PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu /opt/grader/bin/python -m pip install --quiet bundle/homework_grader-*.whl
id grade-student >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin grade-student
chmod 700 /autograder/source
