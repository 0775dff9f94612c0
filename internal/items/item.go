package items

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/larder-go/larder/internal/web"
)

const (
	maxName  = 200               // characters
	maxPrice = 1_000_000_000_000 // cents
)

// Item is a thing for sale.
type Item struct {
	ID    string `json:"id"`    // made by the server; in order, ids are in the order of creation
	Name  string `json:"name"`  // 1 to 200 characters, none of them a control character
	Price int64  `json:"price"` // in cents, 0 to 10^12
}

// draft is an item as a client or a file states it: any field may be missing.
type draft struct {
	ID    *string `json:"id"`
	Name  *string `json:"name"`
	Price *int64  `json:"price"`
}

// item checks the draft and makes it the item called id. The draft may repeat that id, so that what GET answered can be
// PUT back, but it cannot choose another. The error is a [web.Problem] that names the field.
func (d draft) item(id string) (Item, error) {
	switch {
	case d.ID != nil && *d.ID != id:
		return Item{}, web.Invalid("id", "is made by the server; leave it out, or repeat the one in the path")
	case d.Name == nil:
		return Item{}, web.Invalid("name", "is missing")
	case *d.Name == "" || utf8.RuneCountInString(*d.Name) > maxName:
		return Item{}, web.Invalid("name", fmt.Sprintf("must have 1 to %d characters", maxName))
	case strings.ContainsFunc(*d.Name, unicode.IsControl):
		return Item{}, web.Invalid("name", "must not have control characters")
	case d.Price == nil:
		return Item{}, web.Invalid("price", "is missing")
	case *d.Price < 0 || *d.Price > maxPrice:
		return Item{}, web.Invalid("price", fmt.Sprintf("must be 0 to %d cents", maxPrice))
	}
	return Item{ID: id, Name: *d.Name, Price: *d.Price}, nil
}

// parseItem reads the file of the item called id, and fails unless it is a valid item.
func parseItem(id string, data []byte) (Item, error) {
	var d draft
	if err := json.Unmarshal(data, &d); err != nil {
		return Item{}, err
	}
	return d.item(id)
}

// ids makes the ids of items. It is safe for concurrent use, and ready as it is.
type ids struct {
	mu   sync.Mutex
	last int64
}

const idLength = 32

// next returns a new id: the nanoseconds since 1970 and 64 random bits, both as 16 hexadecimal digits. Within a process
// every id is greater than the one before, also when the clock stands still or is set back; the random half keeps two
// processes apart.
func (s *ids) next() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(time.Now().UnixNano(), s.last+1)
	return fmt.Sprintf("%016x%016x", s.last, rand.Uint64())
}

// validID tells whether id has the form that ids have. Nothing else may become part of a path.
func validID(id string) bool {
	return len(id) == idLength && strings.Trim(id, "0123456789abcdef") == ""
}
