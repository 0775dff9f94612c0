package items

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/cache/session"
	"github.com/larder-go/larder/internal/web"
)

// maxBasket is how many different items fit into a basket.
const maxBasket = 100

// basket is what a visitor's session holds: what they may buy. It names items and does not look for them: whoever buys finds out which are still there.
type basket struct {
	Items []string `json:"items"` // ids, in the order in which they were put in; each once
}

// Basket mounts the basket of each visitor: /api/v1/basket, and /api/v1/basket/:id to put an item in or take it out. It needs sessions on these paths.
func Basket(e *echo.Echo) error {
	e.GET("/api/v1/basket", showBasket)
	e.PUT("/api/v1/basket/:id", changeBasket(func(b *basket, id string) error {
		switch {
		case slices.Contains(b.Items, id):
		case len(b.Items) >= maxBasket:
			return web.NewProblem(http.StatusConflict, "The basket is full.")
		default:
			b.Items = append(b.Items, id)
		}
		return nil
	}))
	e.DELETE("/api/v1/basket/:id", changeBasket(func(b *basket, id string) error {
		b.Items = slices.DeleteFunc(b.Items, func(in string) bool { return in == id })
		return nil
	}))
	return nil
}

func showBasket(c echo.Context) error {
	b, err := session.Get[basket](c.Request().Context())
	if err != nil {
		return err
	}
	if b.Items == nil {
		b.Items = []string{}
	}
	return c.JSON(http.StatusOK, b)
}

// changeBasket changes the basket, and again where another tab of the visitor's has changed it meanwhile. It answers without a body, for the basket is stored when the response begins,
// and only then is what became of it known.
func changeBasket(change func(b *basket, id string) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Param("id")
		if !validID(id) {
			return unknown()
		}
		if err := session.Update(c.Request().Context(), func(b *basket) error { return change(b, id) }); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	}
}
