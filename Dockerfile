# The controller alone, without the sandbox, as a user without rights, on a root filesystem that may be read-only
# (give it a /tmp). BASE is any image with Python 3.11 or newer and its venv module; both stages must have the same.
ARG BASE=docker.io/library/python:3.11-slim

# hadolint ignore=DL3006
FROM ${BASE} AS build
WORKDIR /src
COPY requirements/build.lock requirements/run.lock requirements/
# Two environments: /opt/build makes, and stays here; /opt/venv is what runs, and has no pip.
RUN python3 -m venv /opt/build \
 && python3 -m venv --without-pip /opt/venv \
 && /opt/build/bin/python -m pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/build.lock \
 && /opt/build/bin/python -m pip --python /opt/venv install --no-cache-dir --require-hashes --only-binary :all: \
      -r requirements/run.lock
COPY pyproject.toml README.md LICENSE ./
COPY state state
COPY controller controller
RUN /opt/build/bin/python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir dist . \
 && /opt/build/bin/python -m pip --python /opt/venv install --no-cache-dir --no-deps --no-index dist/*.whl

# hadolint ignore=DL3006
FROM ${BASE}
LABEL org.opencontainers.image.title="aws-pod-eip-controller" \
      org.opencontainers.image.description="Gives Pods on EKS their own Elastic IPs" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/venv /opt/venv
# Where the Go controller's image has its program, for manifests that name it by its path.
COPY --from=build /opt/venv/bin/aws-pod-eip-controller /usr/local/bin/aws-pod-eip-controller
# The bytecode is there already, and nothing may be written.
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["aws-pod-eip-controller"]
