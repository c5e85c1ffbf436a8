# The page alone, on a CPU. docs/deploy.md says how to build and run it.
FROM python:3.12-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 \
    GRADIO_ANALYTICS_ENABLED=False GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860 \
    OMP_NUM_THREADS=1 HF_HUB_DISABLE_TELEMETRY=1

RUN useradd --create-home --uid 1000 dviz
WORKDIR /home/dviz/app

COPY requirements.txt ./
RUN pip install --extra-index-url https://download.pytorch.org/whl/cpu -r requirements.txt

COPY --chown=dviz:dviz dviz ./dviz
COPY --chown=dviz:dviz checkpoints ./checkpoints
COPY --chown=dviz:dviz app.py ./

USER dviz
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:7860/health', timeout=4)"]
CMD ["python", "app.py"]
