# Digit Lab with the CPU build of torch, MNIST and the pretrained model: `docker build -t digit-lab .`, then see DEPLOY.md.
FROM python:3.11-slim
WORKDIR /app
ARG REQUIREMENTS=requirements.txt
COPY requirements.txt requirements-cluster.txt ./
# The CPU build is called 2.15.0+cpu, which pip prefers to 2.15.0: no CUDA, 4.8 GB less on the disk.
RUN pip install --no-cache-dir -r $REQUIREMENTS --extra-index-url https://download.pytorch.org/whl/cpu
COPY . .
RUN python -m compileall -q mnist_core ui  # the app's user can't keep bytecode there
# MNIST comes into the image; the app runs as a user who can write nothing but the runs. It maps files that nobody may write.
RUN python -m mnist_core data --data /app/data && test -s data/MNIST/raw/t10k-labels-idx1-ubyte && chmod -R a-w data \
 && useradd --uid 1000 --create-home lab && install -d -o lab /runs
ENV DIGITLAB_DATA=/app/data DIGITLAB_RUNS=/runs DIGITLAB_OFFLINE=1 DIGITLAB_PRIVATE=1 DIGITLAB_PRELOAD=1
USER lab
VOLUME /runs
EXPOSE 8501
HEALTHCHECK --start-period=60s CMD python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=5)"
CMD ["streamlit", "run", "streamlit_app.py", "--server.headless=true", "--server.address=0.0.0.0", "--server.port=8501"]
