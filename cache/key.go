package cache

import "fmt"

const (
	// MaxKeyLen is the length of the longest key in bytes, without what a namespace or a backend puts before it.
	MaxKeyLen = 1024
	// MaxValueLen is the length of the longest value in bytes. A store may hold less.
	MaxValueLen = 64 << 20

	maxNameLen = 64
	maxDepth   = 8
)

// storeKey is the key that the store sees.
func (c *Cache) storeKey(key string) (string, error) {
	switch {
	case key == "":
		return "", fmt.Errorf("%w: it is empty; allowed: 1 to %d bytes", ErrInvalidKey, MaxKeyLen)
	case len(key) > MaxKeyLen:
		return "", fmt.Errorf("%w: it has %d bytes; allowed: 1 to %d", ErrInvalidKey, len(key), MaxKeyLen)
	case key[0] == '@':
		return c.prefix + "@" + key, nil
	case c.prefix == "":
		return key, nil
	}
	return c.prefix + key, nil
}

// isStoreKey tells, for next to nothing, that storeKey would return the key as it is.
func (c *Cache) isStoreKey(key string) bool {
	return c.prefix == "" && key != "" && len(key) <= MaxKeyLen && key[0] != '@'
}

// checkName reports why name cannot be the name of a namespace.
func checkName(name string) error {
	if name == "" || len(name) > maxNameLen {
		return fmt.Errorf("the name %.80q has %d bytes; allowed: 1 to %d", name, len(name), maxNameLen)
	}
	for i := range len(name) {
		switch b := name[i]; {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '_', b == '-':
		default:
			return fmt.Errorf("the name %q has %q; allowed: letters and digits of ASCII, '_' and '-'", name, b)
		}
	}
	return nil
}
