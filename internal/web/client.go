package web

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// proxies are the networks whose forwarding headers are believed. Echo's own default believes loopback, link-local
// and all private networks, which inside a cluster is everybody.
type proxies []netip.Prefix

func (p proxies) trust(addr netip.Addr) bool {
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(addr) })
}

// client is the address that the request came from, without a port or a zone. X-Forwarded-For is read from right to left
// for as long as each hop is a trusted proxy; the first that is not is the client. Where a hop is no address, the one
// who passed it on is the client. Where all are proxies, it is the one that opened the connection. It is empty
// where the connection has no address, as with a unix socket. No other header is looked at.
func (p proxies) client(r *http.Request) string {
	peer, ok := parseAddr(r.RemoteAddr)
	if !ok {
		return ""
	}
	if !p.trust(peer) {
		return peer.String()
	}
	hop := peer
	for _, line := range slices.Backward(r.Header[echo.HeaderXForwardedFor]) {
		for line != "" {
			before, last := "", line
			if i := strings.LastIndexByte(line, ','); i >= 0 {
				before, last = line[:i], line[i+1:]
			}
			addr, ok := parseAddr(strings.TrimSpace(last))
			if !ok {
				return hop.String()
			}
			if !p.trust(addr) {
				return addr.String()
			}
			hop, line = addr, before
		}
	}
	return peer.String()
}

// scheme is "https" where the connection is encrypted, or where a trusted proxy that opened it says that its own
// is: the last value of X-Forwarded-Proto, the one that this proxy wrote. Else it is "http".
func (p proxies) scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	forwarded := r.Header[echo.HeaderXForwardedProto]
	if len(forwarded) == 0 {
		return "http"
	}
	if peer, ok := parseAddr(r.RemoteAddr); !ok || !p.trust(peer) {
		return "http"
	}
	last := forwarded[len(forwarded)-1]
	if strings.EqualFold(strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:]), "https") {
		return "https"
	}
	return "http"
}

// parseAddr reads 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1] and [2001:db8::1]:80, drops the zone, and makes
// an IPv4 address that is dressed as IPv6 an IPv4 address again, so that it is found in IPv4 networks.
func parseAddr(s string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if err != nil {
		withPort, err := netip.ParseAddrPort(s)
		if err != nil {
			return netip.Addr{}, false
		}
		addr = withPort.Addr()
	}
	return addr.Unmap().WithZone(""), true
}
