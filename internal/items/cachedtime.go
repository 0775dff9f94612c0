package items

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/cache"
)

// timeAnswer is the answer of cachedTime.
type timeAnswer struct {
	Source string    `json:"source"` // "live" or "cache"
	Time   time.Time `json:"time"`
}

// cachedTime is the shortest handler that uses the cache: it answers the same time until the entry expires. A cache that is
// down is a miss, and so are bytes that this handler did not write.
func cachedTime(c echo.Context) error {
	const key = "cached-time"
	ctx, store := c.Request().Context(), cache.From(c)
	text, found, down := store.Get(ctx, key)
	if found {
		if t, err := time.Parse(time.RFC3339Nano, string(text)); err == nil && timeText(t) == string(text) {
			return c.JSON(http.StatusOK, timeAnswer{Source: "cache", Time: t})
		}
	}
	t := time.Now().UTC()
	if down == nil { // else it would only be waited for a second time
		_ = store.Set(ctx, key, []byte(timeText(t)), cache.DefaultTTL)
	}
	return c.JSON(http.StatusOK, timeAnswer{Source: "live", Time: t})
}

func timeText(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
