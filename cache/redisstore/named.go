package redisstore

import (
	"fmt"

	"github.com/larder-go/larder/cache"
)

const maxNameLen = 64

// Named returns a store on the same client, under a prefix of its own: with the prefix "cache:", Named("sessions") has "cache.sessions:". Neither
// sees or clears what is the other's. Its Close leaves the client open; once s is closed, it gives [cache.ErrClosed] too.
//
// It remembers failed invalidations of its own keys by itself, so a program makes one store of each name. It does no I/O.
func (s *Store) Named(name string) (*Store, error) {
	if err := checkName(name); err != nil {
		return nil, fmt.Errorf("redisstore: named: %w", err)
	}
	if s.life.ended() {
		return nil, fmt.Errorf("redisstore: named %q: %w", name, cache.ErrClosed)
	}
	return newStore(s.server, s.prefix[:len(s.prefix)-1]+"."+name+":", s.life), nil
}

func checkName(name string) error {
	const allowed = "allowed: 1 to 64 of A-Z, a-z, 0-9, '_' and '-'"
	if name == "" || len(name) > maxNameLen {
		return fmt.Errorf("the name %.80q has %d bytes; %s", name, len(name), allowed)
	}
	for i := range len(name) {
		switch b := name[i]; {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '_', b == '-':
		default:
			return fmt.Errorf("the name %q has %q; %s", name, b, allowed)
		}
	}
	return nil
}
