package memstore

import (
	"time"

	"github.com/larder-go/larder/cache"
)

// permanent and what is above is the expiry of entries without one: permanent plus the serial of the write, so that they follow all
// others, and each other in the order in which they were set. As a time it is 146 years after the store was made.
const permanent time.Duration = 1 << 62

// expiry is when an entry stored at now with the lifetime ttl expires. A lifetime that ends beyond the clock's range ends at its last
// instant.
func expiry(now, ttl time.Duration) time.Duration {
	if ttl == cache.Forever {
		return permanent
	}
	if ttl >= permanent-now {
		return permanent - 1
	}
	return now + ttl
}
