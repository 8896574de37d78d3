# The controller alone, without the sandbox, as a user without rights, on a root filesystem that may be read-only
# (give it a /tmp). BASE is any image with Python 3.11 or newer and its venv module. `make base` renews its digest.
ARG BASE=docker.io/library/python:3.11-slim@sha256:9c900dea9e8fb7e16277c179b555cc72d29a352dbc33cff48ad5a0412fd5bfc7

# hadolint ignore=DL3006
FROM ${BASE} AS build
WORKDIR /src
COPY requirements/run.lock requirements/tools.lock requirements/
# Two environments: /opt/build makes, and stays here; /opt/venv is what runs, and has no pip.
RUN python3 -m venv /opt/build \
 && python3 -m venv --without-pip /opt/venv \
 && /opt/build/bin/python -m pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/tools.lock \
 && /opt/build/bin/python -m pip --python /opt/venv install --no-cache-dir --require-hashes --only-binary :all: \
      -r requirements/run.lock
COPY pyproject.toml README.md LICENSE ./
COPY state state
COPY controller controller
COPY deploy/image/slim.py ./
RUN /opt/build/bin/python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir dist . \
 && /opt/build/bin/python -m pip --python /opt/venv install --no-cache-dir --no-deps --no-index dist/*.whl \
 && python3 slim.py packages /opt/venv

# The base without what installs packages. It is copied from here: what a layer only covers would still be carried.
# hadolint ignore=DL3006
FROM ${BASE} AS base
COPY deploy/image/slim.py /slim.py
RUN python3 /slim.py base / && rm /slim.py

FROM scratch
ARG BASE
LABEL org.opencontainers.image.title="aws-pod-eip-controller" \
      org.opencontainers.image.description="Gives Pods on EKS their own Elastic IPs" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${BASE}"
# hadolint ignore=DL3067
COPY --from=base / /
COPY --from=build /opt/venv /opt/venv
# Where the Go controller's image has its program, for manifests that name it by its path.
COPY --from=build /opt/venv/bin/aws-pod-eip-controller /usr/local/bin/aws-pod-eip-controller
# The bytecode is there already, and nothing may be written.
ENV PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /
USER 65532:65532
# The whole program loads from what is left, as its user; else there is no image.
RUN ["python", "-c", "import controller.doctor.examination, controller.release_cluster, controller.startup, controller.surface.serve"]
EXPOSE 8080
ENTRYPOINT ["aws-pod-eip-controller"]
