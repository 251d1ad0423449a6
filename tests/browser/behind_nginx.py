"""`python -m tests.browser.behind_nginx`: the app behind deploy/nginx.conf, with TLS and a path.

A real Chromium visits it. It needs nginx and openssl (Debian: nginx-light); no test of the suite does.
"""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.server import ROOT, draw, launch, serve, settle

PORT, LAB_PORT = 8443, 8501
CERTIFICATE = (
    "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -keyout key.pem -out cert.pem"
)
AROUND = "daemon off; pid {folder}/pid; events {{}} http {{ access_log off; {server} }}"


@contextmanager
def nginx(folder: Path) -> Iterator[str]:
    """Run nginx with our configuration, a certificate of its own and another port; give the app's address."""
    subprocess.run(CERTIFICATE.split(), cwd=folder, check=True, capture_output=True)
    server = (ROOT / "deploy" / "nginx.conf").read_text()
    for old, new in {
        "listen 443 ssl": f"listen 127.0.0.1:{PORT} ssl",
        "/etc/ssl/certs/example.org.pem": f"{folder}/cert.pem",
        "/etc/ssl/private/example.org.key": f"{folder}/key.pem",
        "example.org": "localhost",
    }.items():
        assert old in server
        server = server.replace(old, new)
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, server=server))
    process = subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")])
    try:
        yield f"https://localhost:{PORT}/digits/"
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Visit, follow a link, draw, and embed the app in another page; fail if something does not work."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            serve(folder, port=LAB_PORT, STREAMLIT_SERVER_BASE_URL_PATH="/digits") as _address,
            nginx(folder) as address,
            launch() as browser,
        ):
            page = browser.new_context(ignore_https_errors=True, locale="en-US").new_page()
            page.goto(address)
            settle(page)
            draw(page, [(140, 40), (140, 240)])
            page.locator(".lab-pages").get_by_role("link", name="Train").click()
            page.wait_for_url("**/digits/train*")
            settle(page)
            expect(page.get_by_role("heading", name="Train a network")).to_be_visible()
            page.locator(".lab-pages").get_by_role("link", name="Explore").click()
            page.wait_for_url(re.compile(r"/digits/(\?|$)"))
            settle(page)
            expect(page.get_by_role("heading", name="Handwritten digits")).to_be_visible()
            page.goto(f"{address}evaluate?run=pretrained&lang=zh")
            settle(page)
            assert page.evaluate("fetch('/digits/_stcore/health').then(answer => answer.ok)")
            assert any(one["secure"] for one in page.context.cookies() if one["name"] == "digitlab_visitor")
            print("behind nginx with TLS at /digits/: first page, drawing, links, deep link and cookie work")
            other = page.context.new_page()
            other.set_content(
                f'<h1>A course</h1><iframe src="{address}?embed=true" width=900 height=700></iframe>'
            )
            inside = other.frame_locator("iframe")
            inside.get_by_role("heading", name="Handwritten digits").wait_for()
            inside.locator(".lab-pages").get_by_role("link", name="Train").click()
            inside.get_by_role("heading", name="Train a network").wait_for()
            print("embedded in another page: works")


if __name__ == "__main__":
    main()
