#!/usr/bin/env bash
# A Redis server with 200,000 JSON documents, to be measured; needs redis-server, redis-cli and python3. It prints the server's number when
# its memory is ready, and ends the server when it is ended itself.
#   benchmarks/process-redis.sh & sleep 20; ./pagefold measure --pid NUMBER; kill $!
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
redis-server --unixsocket "$folder/socket" --port 0 --save '' --dir "$folder" >"$folder/log" 2>&1 &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$folder"' EXIT
trap 'exit 0' INT TERM
until redis-cli -s "$folder/socket" ping >"$folder/answer" 2>&1; do
    kill -0 $server 2>/dev/null || { cat "$folder/log"; exit 1; }
    sleep 0.1
done
python3 - <<'DOCUMENTS' | redis-cli -s "$folder/socket" --pipe >"$folder/answer"
import json
import random
import sys

chance = random.Random(7)
names = ["Anna", "Ben", "Chloe", "David", "Emma", "Finn", "Greta", "Hugo", "Ida", "Jonas"]
cities = ["Berlin", "Paris", "Oslo", "Rome", "Madrid", "Wien"]
colours = ["red", "green", "blue", "black"]
for number in range(200_000):
    cart = [
        {
            "sku": f"{chance.randrange(16 ** 8):08x}",
            "n": chance.randrange(1, 5),
            "price": round(chance.random() * 100, 2),
            "colour": chance.choice(colours),
        }
        for _ in range(chance.randrange(1, 6))
    ]
    value = json.dumps({
        "id": number,
        "user": chance.choice(names) + str(chance.randrange(9999)),
        "email": f"{chance.choice(names).lower()}.{chance.randrange(10 ** 6)}@example.com",
        "city": chance.choice(cities),
        "zip": chance.randrange(10000, 99999),
        "last_seen": 1700000000 + chance.randrange(10 ** 7),
        "cart": cart,
        "token": f"{chance.getrandbits(128):032x}",
    })
    key = f"session:{number}"
    sys.stdout.write(f"*3\r\n$3\r\nSET\r\n${len(key)}\r\n{key}\r\n${len(value)}\r\n{value}\r\n")
DOCUMENTS
echo $server
wait $server
