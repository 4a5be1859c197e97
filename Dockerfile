# The node as an image: docker build -t idnode . && docker run -p 127.0.0.1:8000:8000 -v idnode:/var/lib/idnode idnode

FROM python:3.11-slim AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python -m venv /opt/idnode
# The dependencies come first: they change less often than the code, and their layer is used again.
COPY requirements/serve.txt requirements/serve.txt
RUN /opt/idnode/bin/pip install --require-hashes --requirement requirements/serve.txt
COPY pyproject.toml README.md LICENSE ./
COPY idnode idnode
# The build backend is in the locked list, so nothing is fetched here that has no hash.
RUN /opt/idnode/bin/pip install --no-deps --no-build-isolation .

FROM python:3.11-slim
# A name as well as a number: initdb of the embedded PostgreSQL looks its user up.
RUN groupadd --gid 10001 idnode \
    && useradd --uid 10001 --gid idnode --home-dir /var/lib/idnode --no-create-home --shell /usr/sbin/nologin idnode \
    && install --directory --owner idnode --group idnode --mode 0700 /var/lib/idnode
COPY --from=builder /opt/idnode /opt/idnode
ENV PATH=/opt/idnode/bin:$PATH \
    IDNODE_HOME=/var/lib/idnode \
    IDNODE_HTTP_HOST=0.0.0.0
USER 10001:10001
WORKDIR /var/lib/idnode
VOLUME /var/lib/idnode
EXPOSE 8000 2641/tcp 2641/udp
STOPSIGNAL SIGTERM
# urlopen raises, and the check fails, unless the answer is 200. No proxy stands between a node and itself.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-c", "\
import os, urllib.request as r; \
port = os.environ.get('IDNODE_HTTP_PORT', '8000'); \
r.build_opener(r.ProxyHandler({})).open(f'http://127.0.0.1:{port}/readyz', timeout=4)"]
ENTRYPOINT ["idnode", "serve"]
