"""What people write as the address of the service, and what a redirect tells them to write."""

import unittest

from finance_ingest import Client, ConfigurationError, UnexpectedAnswer, UntrustedCertificate
from finance_ingest.addresses import Address, shown

from .support.clocks import FakeClock
from .support.scripted_service import Reply, Request, ScriptedService
from .support.servers import free_port, shared_server

SCORED = {"id": "a", "status": "scored", "z_score": None, "baseline": None}


class AddressTests(unittest.TestCase):
    def test_a_route_at_the_end_is_taken_off(self) -> None:
        for text in (
            "", "/", "//", "/api", "/api/", "/api/transactions", "/api/transactions/", "/api/transactions/batch", "/api/transactions/0199-x",
            "/api/score-transaction",
            "/api/results", "/api/stats", "/healthz", "/readyz", "/openapi.json",
        ):
            self.assertEqual(str(Address.parse("http://h:7071" + text)), "http://h:7071", text)
            self.assertEqual(str(Address.parse("https://h/finance" + text)), "https://h/finance", text)

    def test_a_path_that_only_resembles_a_route_stays(self) -> None:
        for path in ("/finance-api", "/api/finance", "/api/v2", "/apis", "/API", "/transactions"):
            self.assertEqual(Address.parse("http://h" + path).prefix, path)

    def test_one_route_is_taken_off_and_what_is_written_is_read_back(self) -> None:
        for path, prefix in (("/api/api", "/api"), ("/api/api/transactions", "/api"), ("/api/v2/api", "/api/v2"), ("/x/api/api/", "/x/api")):
            address = Address.parse("http://h" + path)
            self.assertEqual(address.prefix, prefix)
            self.assertEqual(Address.parse(str(address)), address)

    def test_every_form_of_a_host(self) -> None:
        for text, expected in (
            ("  HTTP://LOCALHOST:7071/ \n", ("http", "localhost", 7071)), ("https://h", ("https", "h", 443)), ("http://[::1]:7071", ("http", "::1", 7071)),
            ("http://[fe80::1%25eth0]", ("http", "fe80::1%eth0", 80)), ("http://bücher.example/", ("http", "bücher.example", 80)),
            ("http://h.", ("http", "h.", 80)),
        ):
            address = Address.parse(text)
            self.assertEqual((address.scheme, address.host, address.port), expected)
        self.assertEqual(str(Address.parse("https://[::1]:443/x/")), "https://[::1]/x")
        self.assertEqual(Address.parse("http://h/Präfix mit Leerzeichen").prefix, "/Pr%C3%A4fix%20mit%20Leerzeichen")
        self.assertEqual(Address.parse("http://h/%7euser").prefix, "/%7euser")

    def test_what_is_no_address_is_told_without_secrets(self) -> None:
        for text, word in (
            ("localhost:7071", "has no scheme"), ("127.0.0.1", "has no scheme"), ("finance.example.org/api", "has no scheme"), ("[::1]:7071", "has no scheme"),
            ("ftp://x", "not an http address"), ("", "not an http address"), ("//x", "not an http address"), ("http:///x", "does not name a host"),
            ("http://", "does not name a host"), ("http://a b/", "does not name a host"), ("http://a..b/", "does not name a host"),
            ("http://" + "a" * 64, "does not name a host"),
            ("http://x:99999", "port"), ("http://x:http", "port"), ("http://x:0", "port 0"), ("http://[::1", "malformed"),
            ("https://x/?code=S3CRET", "key is an argument"), ("https://me:S3CRET@x/", "key is an argument"),
            ("https://S3CRET@x/", "key is an argument"), ("http://x/#S3CRET", "key is"),
            ("ftp://me:S3CRET@x/?code=S3CRET", "'ftp://x/'"), ("http://me:S3CRET@x:99999/", "'http://x:99999/'"), ("me:S3CRET@x", "'x'"),
            (None, "NoneType"), (b"http://x", "bytes"),
        ):
            with self.assertRaises(ConfigurationError) as caught:
                Client(text)
            self.assertIn(word, str(caught.exception))
            self.assertNotIn("S3CRET", str(caught.exception))

    def test_an_address_in_a_message_holds_nothing_that_a_terminal_obeys(self) -> None:
        self.assertEqual(shown("http://x/\x1b]0;title\x07?code=k"), "http://x/?]0;title?")
        self.assertEqual(len(shown("http://x/" + "y" * 10_000)), 201)

    def test_an_address_that_ends_in_a_route_works_on_a_real_server(self) -> None:
        for end in ("", "/", "/api", "/api/transactions", "/api/score-transaction/"):
            with Client(shared_server().url + end) as client:
                self.assertTrue(client.submit(399, 1, 5).id)

    def test_a_path_of_a_proxy_stands_before_every_route(self) -> None:
        service = ScriptedService(Reply(200, SCORED))
        self.addCleanup(service.close)
        for end in ("/finance", "/finance/", "/finance/api/transactions"):
            Client(service.url + end).get("a")
        self.assertEqual({request.path for request in service.requests}, {"/finance/api/transactions/a"})

    def test_a_host_of_ipv6_is_asked_by_its_name(self) -> None:
        import socket

        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            self.skipTest("this machine has no IPv6 on its loopback interface")
        service = ScriptedService(Reply(200, SCORED), host="::1")
        self.addCleanup(service.close)
        self.assertEqual(Client(service.url).get("a").status, "scored")
        self.assertEqual(service.requests[0].headers["Host"], service.url[len("http://") :])


class RedirectTests(unittest.TestCase):
    """Redirects are not followed: a POST may become a GET, and the key would go to whoever is named. What to write instead is told."""

    def advice(self, status: int, location: str, end: str = "", call: str = "submit") -> str:
        service = ScriptedService(Reply(status, b"", {"Location": location.replace("BASE", "http://127.0.0.1")}), Reply(200, SCORED))
        self.addCleanup(service.close)
        client = Client(service.url + end, "S3CRET", clock=FakeClock())
        with self.assertRaises(UnexpectedAnswer) as caught:
            client.submit(1, 2, 3) if call == "submit" else client.results("c")
        self.assertEqual(len(service.requests), 1)
        self.assertNotIn("S3CRET", str(caught.exception))
        return str(caught.exception).replace(service.url, "SERVICE")

    def test_the_address_of_the_service_is_told_and_works(self) -> None:
        for status in (301, 302, 303, 307, 308):
            for call, target in (("submit", "/api/transactions"), ("results", "/api/results")):
                told = self.advice(status, f"https://finance.example.org{target}?after=c", call=call)
                self.assertIn(f"with {status}. The service has moved: give https://finance.example.org as the address.", told)
        for location, end, base in (
            ("/other/api/transactions", "", "SERVICE/other"), ("https://h:8443/x/api/transactions/", "/x", "https://h:8443/x"),
            ("//h/api/transactions", "", "http://h"),
            ("https://h/api/api/transactions", "", "https://h/api/api"), ("https://u:S3CRET@h/api/transactions", "", None),
        ):
            told = self.advice(308, location, end)
            if base is None:
                self.assertIn("It leads to https://h/api/transactions, which is no route", told)
            else:
                self.assertIn(f"give {base} as the address.", told)

    def test_what_is_told_leads_to_the_service_when_it_is_obeyed(self) -> None:
        target = ScriptedService(Reply(202, {"id": "a", "status": "pending"}))
        self.addCleanup(target.close)

        def move(request: Request) -> Reply:
            return Reply(308, b"", {"Location": target.url + "/new" + request.path})

        old = ScriptedService(move)
        self.addCleanup(old.close)
        with self.assertRaises(UnexpectedAnswer) as caught:
            Client(old.url).submit(1, 2, 3)
        told = str(caught.exception).partition("give ")[2].partition(" as")[0]
        self.assertEqual(Client(told).submit(1, 2, 3).id, "a")
        self.assertEqual(target.requests[0].path, "/new/api/transactions")

    def test_a_page_to_log_in_is_no_address(self) -> None:
        told = self.advice(302, "https://sso.example.org/login?state=S3CRET")
        self.assertIn("It leads to https://sso.example.org/login, which is no route of FinanceIngest: check the address, and proxies on the way.", told)

    def test_a_circle_and_nonsense_are_told(self) -> None:
        self.assertIn("in a circle", self.advice(307, "/api/transactions"))
        self.assertIn("no route", self.advice(307, "http://[::1"))
        self.assertIn("no route", self.advice(307, "\\\\x"))

    def test_absolute_addresses_in_an_answer_are_not_asked(self) -> None:
        elsewhere = ScriptedService(Reply(200, SCORED))
        self.addCleanup(elsewhere.close)
        url = f"{elsewhere.url}/api/transactions/a"
        service = ScriptedService(Reply(202, {"id": "a", "status": "pending", "status_url": url}, {"Location": url}), Reply(200, SCORED))
        self.addCleanup(service.close)
        client = Client(service.url, "S3CRET")
        self.assertEqual(client.wait_for(client.submit(1, 2, 3).id).status, "scored")
        self.assertEqual((len(elsewhere.requests), [request.path for request in service.requests][1:]), (0, ["/api/transactions/a?wait=30"]))


class TlsTests(unittest.TestCase):
    def test_plain_http_behind_an_address_with_https_is_named(self) -> None:
        service = ScriptedService(Reply(200, SCORED))
        self.addCleanup(service.close)
        client = Client(service.url.replace("http:", "https:"), retries=0)
        with self.assertRaises(Exception) as caught:
            client.get("a")
        self.assertIn("does not speak TLS", str(caught.exception))

    def test_a_certificate_that_is_not_trusted_is_named_and_not_asked_again(self) -> None:
        service = ScriptedService(Reply(200, SCORED), certificate=True)
        self.addCleanup(service.close)
        clock = FakeClock()
        with self.assertRaises(UntrustedCertificate) as caught:
            Client(service.url, clock=clock).get("a")
        self.assertIn("has a certificate that is not trusted: self-signed certificate", str(caught.exception).replace("self signed", "self-signed"))
        self.assertEqual(clock.slept, [])

    def test_a_certificate_that_is_trusted_is_taken_for_its_own_name_only(self) -> None:
        import os
        from unittest import mock

        service = ScriptedService(Reply(200, SCORED), certificate=True)
        self.addCleanup(service.close)
        with mock.patch.dict(os.environ, {"SSL_CERT_FILE": service.certificate}):
            with Client(service.url.replace("127.0.0.1", "localhost")) as client:
                self.assertEqual([client.get("a").status for _ in range(3)], ["scored"] * 3)
            self.assertEqual(service.connections, 1)
            with self.assertRaises(UntrustedCertificate) as caught:
                Client(service.url).get("a")
        self.assertIn("127.0.0.1'", str(caught.exception))

    def test_nobody_there_is_told_with_the_path_and_without_the_key(self) -> None:
        port = free_port()
        with self.assertRaises(Exception) as caught:
            Client(f"http://127.0.0.1:{port}/finance", "S3CRET", retries=0).check()
        self.assertEqual(str(caught.exception), f"http://127.0.0.1:{port}/finance can't be reached: Connection refused.")
