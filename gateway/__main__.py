"""`python -m gateway` is `proconnect-gateway`."""

from gateway.cli import main

main(prog_name="proconnect-gateway")
