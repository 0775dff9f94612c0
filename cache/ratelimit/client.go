package ratelimit

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

const forwardedFor = "X-Forwarded-For"

// appendKey appends the store's key of the client of a request: the limiter's name, and after a byte that no name has who it is. Addresses are stored as they are, for operators to
// see; names of users as a hash.
func (l *Limiter) appendKey(b []byte, r *http.Request) []byte {
	b = append(append(b, l.options.Name...), ' ')
	if l.options.Client != nil {
		if who := l.options.Client(r); who != "" {
			sum := sha256.Sum256([]byte(who))
			return base64.RawURLEncoding.AppendEncode(append(b, '='), sum[:])
		}
	}
	addr, ok := l.client(r)
	switch {
	case !ok:
		return append(b, "unknown"...)
	case addr.Is4():
		return addr.AppendTo(b)
	}
	subscriber, _ := addr.Prefix(64) // of an address of 128 bits there is one
	return subscriber.AppendTo(b)
}

// client is the address of whoever makes a request.
func (l *Limiter) client(r *http.Request) (netip.Addr, bool) {
	peer, ok := parseAddr(r.RemoteAddr)
	if !ok || !l.trusts(peer) {
		if len(r.Header[forwardedFor]) > 0 || len(r.Header["Forwarded"]) > 0 || len(r.Header["X-Real-Ip"]) > 0 {
			l.noteForwarded(r.RemoteAddr)
		}
		return peer, ok
	}
	hop := peer
	for _, line := range slices.Backward(r.Header[forwardedFor]) {
		for line != "" {
			before, last := "", line
			if i := strings.LastIndexByte(line, ','); i >= 0 {
				before, last = line[:i], line[i+1:]
			}
			addr, ok := parseAddr(strings.TrimSpace(last))
			if !ok {
				return hop, true // who passed on what is no address
			}
			if !l.trusts(addr) {
				return addr, true
			}
			hop, line = addr, before
		}
	}
	return peer, true // all are proxies
}

func (l *Limiter) trusts(addr netip.Addr) bool {
	for _, network := range l.options.TrustedProxies {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// noteForwarded logs that somebody says for whom it asks, and is not believed: a proxy that was forgotten makes one client of all.
func (l *Limiter) noteForwarded(peer string) {
	if isDue(&l.forwardedLogged) {
		l.options.Logger.Warn("a request says for whom it is forwarded, and its peer is not trusted: it counts as the peer's own; if the peer is a proxy of yours, add it to "+
			l.options.ProxiesSetting, "peer", peer, "limiter", l.options.Name)
	}
}

// parseAddr reads an address with or without a port and brackets, drops the zone, and makes an IPv4 address that is dressed as IPv6 an IPv4 address again.
func parseAddr(s string) (netip.Addr, bool) {
	withPort, err := netip.ParseAddrPort(s)
	addr := withPort.Addr()
	if err != nil {
		if addr, err = netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err != nil {
			return netip.Addr{}, false
		}
	}
	return addr.Unmap().WithZone(""), true
}
