package settings

import (
	"errors"
	"net/netip"
	"strings"
)

var errPrefixes = errors.New("not a list of addresses")

// parsePrefixes reads IP addresses and CIDR ranges, separated by commas. An
// IPv4 range in IPv6 form becomes one in IPv4 form, because that is how the
// address of a peer is compared.
func parsePrefixes(text string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		p, err := netip.ParsePrefix(part)
		if err != nil {
			addr, err := netip.ParseAddr(part)
			if err != nil || addr.Zone() != "" {
				return nil, errPrefixes
			}
			p = netip.PrefixFrom(addr, addr.BitLen())
		}
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
