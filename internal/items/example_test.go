package items_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/internal/items"
)

func ExampleRoutes() {
	dir, err := os.MkdirTemp("", "items")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()

	e := echo.New()
	if err := items.Routes(dir)(e); err != nil {
		fmt.Println(err)
		return
	}
	r := httptest.NewRequest(http.MethodPost, "/api/v1/items", strings.NewReader(`{"name":"Tea","price":450}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	fmt.Println(w.Code)
	// Output: 201
}
