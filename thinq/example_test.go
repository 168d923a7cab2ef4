package thinq_test

import (
	"context"
	"fmt"
	"log"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// Everything that is to be known about an appliance takes three calls.
func Example() {
	lg, err := thinqtest.NewServer(thinqtest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer lg.Close()
	ctx := context.Background()

	client, err := thinq.NewClient(thinq.Options{
		Country: "KR",
		Token:   func(context.Context) (string, error) { return lg.Token, nil },
		APIURL:  lg.URL, Roots: lg.Roots(), // LG's own without these
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	devices, err := client.Devices(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, d := range devices {
		if d.Type != "DEVICE_DEHUMIDIFIER" {
			continue
		}
		raw, err := client.Profile(ctx, d.ID)
		if err != nil {
			log.Fatal(err)
		}
		profile, err := thinq.ParseProfile(raw)
		if err != nil {
			log.Fatal(err)
		}
		wish := thinq.State{{Resource: "airFlow", Name: "windStrength"}: "TURBO"}
		_, err = profile.Encode(wish)
		fmt.Println(err)
		if _, err := client.State(ctx, "no-such-appliance"); thinq.ClassOf(err) == thinq.Gone {
			fmt.Println("no such appliance")
		}
		break
	}
	// Output:
	// wind strength: TURBO is not one of LOW, HIGH
	// no such appliance
}
