# A server for models. Build it from a checkout, and mount the models that it serves:
#     docker build -t limelight .
#     docker run -p 8000:8000 -v "$PWD/runs:/models:ro" limelight /models/first
#
# To take torch from another index, such as one of CPU builds: docker build --build-arg TORCH_INDEX=<address> .

FROM python:3.11-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim
ARG TORCH_INDEX=
WORKDIR /install
COPY constraints.txt ./
COPY --from=build /wheels ./
RUN python -m pip install --no-cache-dir ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "$(grep ^torch== constraints.txt)" \
    && python -m pip install --no-cache-dir -c constraints.txt "$(echo limelight-*.whl)[onnx,serve]" \
    && rm ./* \
    && useradd --create-home limelight
WORKDIR /home/limelight
USER limelight
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
# exec form, so that the server receives SIGTERM and answers the requests that have begun
ENTRYPOINT ["limelight", "serve", "--host", "0.0.0.0", "--port", "8000"]
