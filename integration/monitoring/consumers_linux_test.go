package monitoring

import (
	"fmt"
	"testing"
)

// consumersFail has consumers fail at an entry, until it is handled or put aside.
func consumersFail(t *testing.T, watch watch) {
	a := newNode(t, "a", "")
	p := watch(a)
	a.post(t, "/v1/entries", `{"kind":"note"}`)
	fails := func(follower, options string) {
		batch := a.post(t, "/v1/followers/"+follower+"/fetch", `{"wait":"1m"`+options+`}`)
		a.post(t, "/v1/followers/"+follower+"/nack", fmt.Sprintf(`{"lease":%q,"error":"no answer","delay":"1ms"}`, batch["lease"]))
	}
	for range 5 {
		fails("mailer", "")
	}
	fails("printer", `,"parkAfter":1`)
	p.fires("QuipuFollowerStuck", "a", true)
	p.fires("QuipuFollowerLag", "a", true)
	p.fires("QuipuFollowerParked", "a", true)
	batch := a.post(t, "/v1/followers/mailer/fetch", `{"wait":"1m"}`)
	a.post(t, "/v1/followers/mailer/ack", fmt.Sprintf(`{"lease":%q}`, batch["lease"]))
	a.Quipu(t, "follow", "printer", "--parked", "--exec", "cat >/dev/null")
	p.fires("QuipuFollowerStuck", "a", false)
	p.fires("QuipuFollowerLag", "a", false)
	p.fires("QuipuFollowerParked", "a", false)
}
