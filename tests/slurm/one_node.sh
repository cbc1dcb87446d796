#!/bin/bash
# Grades a small class with a real Slurm of one node, made for this and gone afterwards (as root, on Debian or Ubuntu):
#
#   tests/slurm/one_node.sh
#
# Three ways to the same marks: on this machine, as an sbatch array of which one task is cancelled, and on Dask workers
# in Slurm jobs. Installs slurm-wlm and munge where they are missing; their own services and /etc are left alone.
# PYTHON names the interpreter (else the clone's .venv/bin/python); it needs the extra `cluster`.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
python=${PYTHON:-$root/.venv/bin/python}
export PYTHONPATH=$root
[ "$(id -u)" = 0 ] || { echo "SKIP: a Slurm of one's own needs root"; exit 77; }

missing=()
command -v slurmctld >/dev/null && command -v slurmd >/dev/null || missing+=(slurm-wlm)
command -v munged >/dev/null || missing+=(munge)
if [ ${#missing[@]} -gt 0 ]; then
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
fi

# Without blanks: dask-jobqueue's scripts know no quotes.
work=$(mktemp -d /tmp/grader-slurm.XXXXXX)
chmod 755 "$work"
node=$(hostname -s)
export SLURM_CONF=$work/slurm.conf
failures=0
pids=()

say() { echo "== $*"; }
check() { # NAME COMMAND...
  local name=$1
  shift
  if "$@"; then echo "PASS: $name"; else echo "FAIL: $name"; failures=$((failures + 1)); fi
}

stop() {
  local code=$?
  scancel --full --user=root 2>/dev/null || true
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  if [ "$code" != 0 ] || [ "$failures" != 0 ]; then
    tail -n 20 "$work"/*.log "$work"/scripts/*.log "$work"/*/.cluster/*.err 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap stop EXIT

start_slurm() {
  head -c 1024 /dev/urandom >"$work/munge.key"
  chmod 600 "$work/munge.key"
  mkdir "$work/munge" "$work/state" "$work/spool"
  munged --foreground --force --key-file="$work/munge.key" --socket="$work/munge/socket" \
    --pid-file="$work/munge/pid" --log-file="$work/munged.log" --seed-file="$work/munge/seed" >/dev/null 2>&1 &
  pids+=($!)
  cat >"$SLURM_CONF" <<CONF
ClusterName=grader
SlurmctldHost=$node(127.0.0.1)
SlurmUser=root
SlurmctldPort=16817
SlurmdPort=16818
AuthInfo=socket=$work/munge/socket
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
InactiveLimit=0
KillWait=5
SchedulerParameters=sched_interval=2,batch_sched_delay=0
NodeName=$node NodeAddr=127.0.0.1 CPUs=2 RealMemory=16000
PartitionName=all Nodes=$node Default=YES MaxTime=INFINITE State=UP
CONF
  until [ -S "$work/munge/socket" ]; do sleep 0.1; done
  slurmctld -D -L "$work/slurmctld.log" >/dev/null 2>&1 &
  pids+=($!)
  slurmd -D -L "$work/slurmd.log" >/dev/null 2>&1 &
  pids+=($!)
  for _ in $(seq 60); do
    if sinfo --noheader --format=%T 2>/dev/null | grep -qE 'idle'; then return; fi
    sleep 1
  done
  echo "Slurm did not start"
  return 1
}

make_class() {
  "$python" - "$work/class" <<'PY'
import json, sys
from pathlib import Path

folder = Path(sys.argv[1])
for number in range(8):
    path = folder / ("it's a student" if number == 7 else f"student-{number}")
    path.mkdir(parents=True)
    report = f"# Q1\na) 2 and 3\n\nb) the third option\n\nc) option {number % 4 + 1}\n"
    (path / "report.md").write_text(report)
    if number < 2:
        cells = [{"cell_type": "code", "source": source} for source in ("import time", "time.sleep(2)")]
        (path / "Q4.ipynb").write_text(json.dumps({"cells": cells, "metadata": {}}))
(folder / "class.yaml").write_text("assignment: hw5\nkey: demo\n")
PY
}

grade() { # what waits for a person (3) is as good as done
  local code=0
  "$python" -m grader --course "$root" --device cpu "$@" </dev/null >"$work/grade.log" 2>&1 || code=$?
  case "$code" in 0 | 3) ;; *) cat "$work/grade.log"; return "$code" ;; esac
}

same() {
  "$python" - "$work/here" "$1" <<'PY'
import json, sys
from pathlib import Path

def read(folder):
    sheets = {path.parent.name: json.loads(path.read_text()) for path in Path(folder).glob("*/marksheet.json")}
    files = {path.relative_to(folder): path.read_bytes() for path in Path(folder).glob("*/feedback.html")}
    files["gradebook"] = (Path(folder) / "gradebook.csv").read_bytes()
    return {name: {**sheet, "timing": None} for name, sheet in sheets.items()}, files

(here, files), (there, others) = map(read, sys.argv[1:])
assert len(here) == 8, sorted(here)
for name, sheet in here.items():
    assert sheet == there.get(name), name
for name, data in files.items():
    assert data == others.get(name), name
PY
}

no_jobs() {
  for _ in $(seq "${1:-10}"); do
    [ -z "$(squeue --noheader)" ] && return
    sleep 1
  done
  squeue
  return 1
}

# Of this run only: what grades for it knows the folder, in its words or in its environment.
ours() {
  local pid
  for pid in $(pgrep -f "grader\.batch\.worker|distributed\.cli\.dask_worker"); do
    if grep -qsaF "$work" "/proc/$pid/environ" "/proc/$pid/cmdline"; then ps -o pid=,args= -p "$pid"; fi
  done
}

no_processes() {
  for _ in $(seq 20); do
    [ -z "$(ours)" ] && return
    sleep 1
  done
  ours
  return 1
}

say "a Slurm of one node"
start_slurm
sinfo
make_class

say "on this machine"
check "grade" grade "$work/class" --out "$work/here" --jobs 2

say "sbatch, with nothing installed but the grader; one task is cancelled"
check "grade --emit-sbatch" grade "$work/class" --out "$work/array" --emit-sbatch "$work/scripts" --jobs 3
check "submit.sh" "$work/scripts/submit.sh"
for _ in $(seq 30); do # the first task has a notebook: it is cancelled while that runs
  if squeue --noheader --states=RUNNING --array --format=%i | grep -q '_0$'; then break; fi
  sleep 0.5
done
sleep 2
check "one task is cancelled" scancel "$(squeue --noheader --array --format=%i | grep '_0$')"
check "all jobs end" no_jobs 240
check "the same marks" same "$work/array"
check "nothing is left" no_processes

say "Dask workers in Slurm jobs"
check "grade --cluster slurm" grade "$work/class" --out "$work/dask" --cluster slurm --jobs 2
check "the same marks" same "$work/dask"
check "all jobs end" no_jobs 20
check "nothing is left" no_processes

if [ "$failures" != 0 ]; then
  echo "FAIL: $failures"
  exit 1
fi
echo "PASS: all of it"
