#!/usr/bin/env bash
# try_image.sh ARCHIVE.tar intake|worker|cli: loads an OCI archive into Docker and starts the image as Kubernetes would, with a read-only root and without
# capabilities. An intake and a worker must become ready and end on SIGTERM with 0; the command line must print its help. Needs Docker and skopeo.
set -euo pipefail
archive=$1 kind=$2 image=finance-ingest-tried:$2
hardened=(--read-only --tmpfs /tmp --tmpfs /data:uid=1654,mode=0700 --cap-drop ALL --security-opt no-new-privileges -e FinanceIngest__DataDirectory=/data)

skopeo copy "oci-archive:$archive" "docker-daemon:$image"
if [ "$kind" = cli ]; then
  docker run --rm "${hardened[@]}" "$image" --help
  exit
fi

case $kind in
  # Without keys a server refuses to listen beyond loopback. This secret protects nothing: the container is gone in a minute.
  intake) port=7071 settings=(-e FinanceIngest__ApiKeys__try__Secret=only-for-this-trial-0123) ;;
  worker) port=7072 settings=() ;;
  *) echo "try_image.sh: there is no image '$kind'" >&2; exit 2 ;;
esac
container=$(docker run --detach "${hardened[@]}" "${settings[@]}" --publish "127.0.0.1:$port:$port" "$image")
trap 'docker rm --force "$container" >/dev/null' EXIT
for _ in $(seq 60); do
  if curl --silent --fail "http://127.0.0.1:$port/readyz"; then
    echo
    docker stop --time 30 "$container" >/dev/null
    code=$(docker inspect --format '{{.State.ExitCode}}' "$container")
    [ "$code" -eq 0 ] && exit
    echo "try_image.sh: the $kind ended with $code" >&2
    break
  fi
  sleep 1
done
docker logs "$container" >&2
exit 1
