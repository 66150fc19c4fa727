# Serves one client over standard input and output:
#   docker run --rm -i --read-only --tmpfs /tmp -v telefonie:/data -e TELEFONIE_API_KEY telefonie-mcp
FROM python:3.13-slim AS build

WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY telefonie_mcp ./telefonie_mcp

# Bytecode is compiled here because nothing can be written later, and every start would compile it again.
RUN pip install --no-cache-dir uv==0.13.9 \
 && uv venv /opt/telefonie \
 && uv pip install --no-cache --compile-bytecode --python /opt/telefonie ".[postgres,telemetry]"

FROM python:3.13-slim

COPY --from=build /opt/telefonie /opt/telefonie
ENV PATH=/opt/telefonie/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    XDG_DATA_HOME=/data \
    XDG_STATE_HOME=/data
RUN install -d -m 0700 -o 65532 -g 65532 /data

USER 65532:65532
VOLUME /data
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s CMD ["python", "-m", "telefonie_mcp.health"]
ENTRYPOINT ["telefonie-mcp"]
