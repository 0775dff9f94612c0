package items

import (
	"context"
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
	source := "cache"
	t, err := cache.GetOrLoad(c.Request().Context(), cache.From(c), "cached-time", cache.Policy{}, func(context.Context) (time.Time, error) {
		source = "live"
		return time.Now().UTC(), nil
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, timeAnswer{Source: source, Time: t})
}
