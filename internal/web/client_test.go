package web

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/labstack/echo/v4"
)

func request(peer string, header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = peer
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func networks(prefixes ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, p := range prefixes {
		list = append(list, netip.MustParsePrefix(p))
	}
	return list
}

func TestTheClientIsTheFirstHopFromTheRightThatIsNoTrustedProxy(t *testing.T) {
	const xff = "X-Forwarded-For"
	trusted := networks("10.0.0.0/8", "2001:db8:1::/48", "127.0.0.0/8")
	tests := []struct {
		name    string
		trusted []netip.Prefix
		r       *http.Request
		want    string
	}{
		{"without proxies it is the peer", nil, request("10.0.0.1:99", xff, "192.0.2.7"), "10.0.0.1"},
		{"without proxies not even loopback is believed", nil, request("127.0.0.1:99", xff, "192.0.2.7", "X-Real-Ip", "192.0.2.8"), "127.0.0.1"},
		{"a stranger is not believed", trusted, request("192.0.2.1:99", xff, "192.0.2.7"), "192.0.2.1"},
		{"a trusted proxy is", trusted, request("10.0.0.1:99", xff, "192.0.2.7"), "192.0.2.7"},
		{"X-Real-IP never is", trusted, request("10.0.0.1:99", "X-Real-Ip", "192.0.2.8"), "10.0.0.1"},
		{"nor is Forwarded", trusted, request("10.0.0.1:99", "Forwarded", "for=192.0.2.8"), "10.0.0.1"},
		{"what the client put in front of its own address is ignored", trusted, request("10.0.0.1:99", xff, "1.1.1.1, 192.0.2.7"), "192.0.2.7"},
		{"proxies in a row are passed over", trusted, request("10.0.0.1:99", xff, "1.1.1.1, 192.0.2.7, 10.0.0.3,10.0.0.2"), "192.0.2.7"},
		{"several headers are one list", trusted, request("10.0.0.1:99", xff, "1.1.1.1", xff, "192.0.2.7", xff, "10.0.0.2"), "192.0.2.7"},
		{"what is no address ends the search", trusted, request("10.0.0.1:99", xff, "192.0.2.7, unknown, 10.0.0.2"), "10.0.0.2"},
		{"an empty hop does too", trusted, request("10.0.0.1:99", xff, "192.0.2.7, ,10.0.0.2"), "10.0.0.2"},
		{"where all are proxies it is the peer", trusted, request("10.0.0.1:99", xff, "10.9.9.9, 10.0.0.2"), "10.0.0.1"},
		{"ports are dropped", trusted, request("10.0.0.1:99", xff, "192.0.2.7:1234"), "192.0.2.7"},
		{"IPv6 is read", trusted, request("[2001:db8:1::1]:99", xff, "2001:db8:2::7"), "2001:db8:2::7"},
		{"in brackets too, with a port", trusted, request("[2001:db8:1::1]:99", xff, "[2001:db8:2::7]:80"), "2001:db8:2::7"},
		{"a zone is dropped", trusted, request("[fe80::1%eth0]:99"), "fe80::1"},
		{"an IPv4 address dressed as IPv6 is IPv4", trusted, request("[::ffff:10.0.0.1]:99", xff, "::ffff:192.0.2.7"), "192.0.2.7"},
		{"a unix socket has no address", trusted, request("@", xff, "192.0.2.7"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := New(Options{TrustedProxies: tt.trusted})
			if got := e.NewContext(tt.r, nil).RealIP(); got != tt.want {
				t.Errorf("client %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTheSchemeIsWhatTheConnectionOrATrustedProxySays(t *testing.T) {
	const xfp = "X-Forwarded-Proto"
	trusted := networks("10.0.0.0/8")
	encrypted := request("192.0.2.1:99", xfp, "http")
	encrypted.TLS = &tls.ConnectionState{}
	tests := []struct {
		name    string
		trusted []netip.Prefix
		r       *http.Request
		want    string
	}{
		{"an encrypted connection is https whatever a header says", nil, encrypted, "https"},
		{"a stranger is not believed", trusted, request("192.0.2.1:99", xfp, "https"), "http"},
		{"loopback is a stranger", nil, request("127.0.0.1:99", xfp, "https"), "http"},
		{"a unix socket is a stranger", trusted, request("@", xfp, "https"), "http"},
		{"a trusted proxy is believed", trusted, request("10.0.0.1:99", xfp, "https"), "https"},
		{"in any case", trusted, request("10.0.0.1:99", xfp, "HTTPS"), "https"},
		{"its word is the last", trusted, request("10.0.0.1:99", xfp, "https, http"), "http"},
		{"also of several headers", trusted, request("10.0.0.1:99", xfp, "http", xfp, "http, https"), "https"},
		{"no other header counts", trusted, request("10.0.0.1:99", "X-Forwarded-Ssl", "on", "X-Url-Scheme", "https"), "http"},
		{"nonsense is http", trusted, request("10.0.0.1:99", xfp, "javascript"), "http"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := New(Options{TrustedProxies: tt.trusted})
			if got := e.NewContext(tt.r, nil).Scheme(); got != tt.want {
				t.Errorf("scheme %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTheClientBehindAProxyIsTheOneInTheLog(t *testing.T) {
	s := serve(t, Options{TrustedProxies: networks("127.0.0.0/8")}, func(e *echo.Echo) {
		e.GET("/", func(c echo.Context) error { return c.String(200, c.RealIP()) })
	})
	a := s.do(t, "GET", "/", "", "X-Forwarded-For", "203.0.113.9")
	if line := s.log.one(t); line["client"] != "203.0.113.9" || a.body != "203.0.113.9" {
		t.Errorf("log %v, handler %q", line["client"], a.body)
	}
}

func FuzzClient(f *testing.F) {
	f.Add("10.0.0.1:99", "192.0.2.7, 10.0.0.2")
	f.Add("[::1]:1", ",[,]:,%")
	f.Fuzz(func(t *testing.T, peer, forwarded string) {
		p := proxies(networks("10.0.0.0/8", "::1/128"))
		got := p.client(request(peer, "X-Forwarded-For", forwarded))
		if _, err := netip.ParseAddr(got); err != nil && got != "" {
			t.Errorf("client of %q, %q is %q: neither empty nor an address", peer, forwarded, got)
		}
		if direct := proxies(nil).client(request(peer, "X-Forwarded-For", forwarded)); direct != proxies(nil).client(request(peer)) {
			t.Errorf("a header changed the client to %q though nobody is trusted", direct)
		}
	})
}
