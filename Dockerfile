# The app with exactly the libraries of requirements.lock: docker compose up (compose.yaml).
FROM python:3.12-slim

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1
WORKDIR /app

COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY model model
COPY collectors collectors
COPY policy policy
COPY graph graph
COPY cypher cypher
COPY reviews reviews
COPY ui ui
COPY cli cli
RUN pip install --no-deps --no-build-isolation --editable .

# Snapshots, builds, reviews and keys: a volume, so that they outlive the container.
RUN useradd --create-home grantmap && mkdir /data && chown grantmap:grantmap /data
USER grantmap
ENV GRANTMAP_HOME=/data
VOLUME /data
EXPOSE 8501

# What `grantmap ui` starts, on every address of the container: compose.yaml publishes it on this machine alone.
CMD ["python", "-m", "ui.server", "8501", "--server.address=0.0.0.0"]
