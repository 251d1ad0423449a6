"""The web pages: everything that needs Streamlit."""
