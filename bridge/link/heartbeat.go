package link

import (
	"cmp"
	"context"
	"net"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho/log"
)

// A heartbeat pings once in every keepalive, whatever else is sent; hearing the
// answers is the guard's business. It replaces the library's pinger, which asks
// to be told of every packet and reports a missing answer without a cause.
type heartbeat struct {
	interval time.Duration // where the broker asks for none, so that the guard hears something
}

// Run implements paho.Pinger.
func (h heartbeat) Run(ctx context.Context, conn net.Conn, seconds uint16) error {
	tick := time.NewTicker(cmp.Or(time.Duration(seconds)*time.Second, h.interval))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if _, err := packets.NewControlPacket(packets.PINGREQ).WriteTo(conn); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (heartbeat) PacketSent()         {}
func (heartbeat) PacketReceived()     {}
func (heartbeat) PingResp()           {}
func (heartbeat) SetDebug(log.Logger) {}
