// Command server is the service. Everything that it is made of is named below.
package main

import (
	"os"

	"github.com/larder-go/larder/app"
	"github.com/larder-go/larder/internal/items"
	"github.com/larder-go/larder/settings"
)

func main() { os.Exit(app.Main(server)) }

// server is the whole service. To begin your own, delete internal/items with the lines here that name it, and add your routes.
func server(s settings.Settings) *app.Builder {
	return app.New(s).
		Routes(items.Routes(s.Items.Path)).
		// Sessions("/", &app.SessionOptions{ // a session in every handler, and a basket for every visitor
		// 	IdleTimeout: s.Session.IdleTimeout,
		// }).Routes(items.Basket).
		// RateLimit("/", &app.RateLimitOptions{ // 429 beyond APP_RATE_LIMIT_REQUESTS in APP_RATE_LIMIT_PERIOD
		// 	Exempt: []string{"/robots.txt"},
		// }).
		// Use("/api/v1", app.CacheResponses(app.ResponseRule{ // whole responses too: curl -i shows Cache-Status
		// 	TTL: s.Cache.DefaultTTL,
		// })).
		Cache() // cache.From(c) in every handler; APP_CACHE_BACKEND says which
}
