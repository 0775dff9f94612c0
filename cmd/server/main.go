// Command server is the service. Everything that it is made of is named below.
package main

import (
	"os"

	"github.com/larder-go/larder/app"
	"github.com/larder-go/larder/internal/items"
	"github.com/larder-go/larder/settings"
)

func main() { os.Exit(app.Main(server)) }

// server is the service, from its cache to its routes. A first change of one's own is to delete internal/items and the two lines
// here that name it, and to add routes of one's own in their place.
func server(s settings.Settings) *app.Builder {
	return app.New(s).
		Cache(). // cache.From(c) in every handler; APP_CACHE_BACKEND says which
		Routes(items.Routes(s.Items.Path))
}
