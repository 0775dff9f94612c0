// Package items is the example feature: things for sale, one JSON file each, read through the cache.
//
// It shows how a feature is written: a noun's rules (item.go), where it is kept (files.go, lock.go), what the cache may
// answer (version.go), how HTTP reaches it (handlers.go), what a visitor's session holds (basket.go) and this file, which mounts it. To begin your own service,
// delete the folder and its two lines in main.go, or three with sessions.
package items

import "github.com/labstack/echo/v4"

// Routes returns what mounts the feature on a server: /api/v1/items over the files in dir, and /api/v1/cached-time. Mounting
// makes dir with mode 0700 where it is missing, and fails with an error that names it if it cannot be written.
//
// Any number of processes of one machine may use one dir on a local file system; each sees the others' writes at once.
func Routes(dir string) func(*echo.Echo) error {
	return func(e *echo.Echo) error {
		f, err := openFiles(dir)
		if err != nil {
			return err
		}
		h := handlers{files: f, ids: new(ids)}
		api := e.Group("/api/v1")
		api.GET("/items", h.list)
		api.POST("/items", h.create)
		api.GET("/items/:id", h.get)
		api.PUT("/items/:id", h.replace)
		api.DELETE("/items/:id", h.remove)
		api.GET("/cached-time", cachedTime)
		return nil
	}
}
