package link

import (
	"context"
	"net"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho/log"
)

// A heartbeat pings once in every keepalive, the shorter of ours and the one that
// the broker asks for, whatever else is sent; hearing the answers is the guard's
// business. It replaces the library's pinger, which asks
// to be told of every packet and reports a missing answer without a cause.
type heartbeat struct {
	interval time.Duration // ours
}

// Run implements paho.Pinger.
func (h heartbeat) Run(ctx context.Context, conn net.Conn, seconds uint16) error {
	tick := time.NewTicker(shorter(h.interval, time.Duration(seconds)*time.Second))
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

// shorter is our interval, or what the broker asks for where that is less; zero
// asks for nothing. A broker that is content with less must not make us notice
// silence later (F-032, F-033).
func shorter(own, asked time.Duration) time.Duration {
	if asked > 0 {
		return min(own, asked)
	}
	return own
}

func (heartbeat) PacketSent()         {}
func (heartbeat) PacketReceived()     {}
func (heartbeat) PingResp()           {}
func (heartbeat) SetDebug(log.Logger) {}
