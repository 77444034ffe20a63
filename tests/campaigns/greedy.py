# Clients that ask for much and leave: greedy.py SOCKET CLIENTS ROUNDS SEED. First fills half of a disk of 1 GiB; at the end one client
# reads all of that and compares it.
import random, socket, struct, sys, threading, time

path, clients, rounds, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
MIB = 1 << 20
FILLED = 128


def take(connection, count):
    taken = bytearray()
    while len(taken) < count:
        part = connection.recv(count - len(taken))
        if not part:
            raise EOFError("the server closed a connection")
        taken += part
    return bytes(taken)


def attach():
    # The server closes a connection that comes before the end of one that has left.
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
            take(connection, 18)
            break
        except (EOFError, ConnectionError):
            connection.close()
            time.sleep(0.05)
    connection.sendall(struct.pack(">IQII", 3, 0x49484156454F5054, 1, 0))
    take(connection, 10)
    return connection


def content(number):
    return random.Random(seed * 1000 + number).randbytes(MIB)


def ask(connection, kind, cookie, offset, length, data=b""):
    connection.sendall(struct.pack(">IHHQQI", 0x25609513, 0, kind, cookie, offset, length) + data)


def answer(connection, cookie):
    if take(connection, 16) != struct.pack(">IIQ", 0x67446698, 0, cookie):
        raise ValueError("a reply is not what was asked for")


def greedy():
    for _ in range(rounds):
        connection = attach()
        connection.sendall(b"".join(struct.pack(">IHHQQI", 0x25609513, 0, 0, i, i % 4 * 32 * MIB, 32 * MIB) for i in range(30)))
        connection.recv(1 << 16)
        time.sleep(0.2)
        connection.close()


with attach() as writer:
    for i in range(FILLED):
        ask(writer, 1, i, i * MIB, MIB, content(i))
        answer(writer, i)
print("filled", flush=True)
sys.stdin.readline()
threads = [threading.Thread(target=greedy) for _ in range(clients)]
for thread in threads:
    thread.start()
# Beside the greedy ones another client gets its replies, each byte right.
checked = 0
with attach() as reader:
    while any(thread.is_alive() for thread in threads) or checked < FILLED:
        i = checked % FILLED
        ask(reader, 0, i, i * MIB, MIB)
        answer(reader, i)
        if take(reader, MIB) != content(i):
            raise ValueError(f"MiB {i} differs")
        checked += 1
for thread in threads:
    thread.join()
print("gone", checked, flush=True)
