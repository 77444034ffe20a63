using System.Diagnostics;
using System.Globalization;
using PageFold.NbdLoad;

// Loads an NBD server over a Unix socket with the content of an image, 4 KiB at a time:
//   read SOCKET IMAGE SECONDS DEPTH       random reads; prints requests a second
//   write SOCKET IMAGE SECONDS DEPTH      random blocks, each with the content of a random block; prints requests a second
//   overwrite SOCKET IMAGE TIMES DEPTH    the same until TIMES the image is written, then reads all and compares
// The disk holds the image at the beginning, for read and overwrite. A sixth argument names the export.
const int Block = 4096;
if (args.Length is not (5 or 6))
{
    Console.Error.WriteLine("usage: read|write|overwrite SOCKET IMAGE SECONDS-OR-TIMES DEPTH [EXPORT]");
    return 2;
}
byte[][] image = ReadImage(args[2]);
double amount = double.Parse(args[3], CultureInfo.InvariantCulture);
int depth = int.Parse(args[4], CultureInfo.InvariantCulture);
using NbdClient client = new(args[1], args.Length > 5 ? args[5] : string.Empty, depth, Block);
long blocks = Math.Min(client.Size / Block, image.LongLength);
Random random = new(1);
switch (args[0])
{
    case "read":
        Console.WriteLine(Measure(reading: true, () => client.PutRead(random.NextInt64(blocks))));
        return 0;
    case "write":
        Console.WriteLine(Measure(
            reading: false, () => client.PutWrite(random.NextInt64(blocks), image[random.NextInt64(image.LongLength)])));
        return 0;
    case "overwrite":
        return Overwrite();
    default:
        Console.Error.WriteLine($"there is no '{args[0]}'");
        return 2;
}

long Measure(bool reading, Action put)
{
    long done = 0;
    long begun = Stopwatch.GetTimestamp();
    while (Stopwatch.GetElapsedTime(begun).TotalSeconds < amount)
    {
        while (client.Free > 0)
            put();
        client.Exchange(reading, Replied);
    }
    long rate = (long)(done / Stopwatch.GetElapsedTime(begun).TotalSeconds);
    // nbdkit crashes if a client leaves while replies are on their way.
    while (client.Free < depth)
        client.Exchange(reading, Replied);
    return rate;

    void Replied(long block, uint error, ReadOnlySpan<byte> data)
    {
        Check(block, error);
        done++;
    }
}

int Overwrite()
{
    int[] content = [.. Enumerable.Range(0, (int)blocks)];
    long left = (long)(blocks * amount);
    bool[] busy = new bool[blocks];
    while (left > 0 || client.Free < depth)
    {
        while (left > 0 && client.Free > 0)
        {
            long block = random.NextInt64(blocks);
            // Two writes of one block at once may end in either order.
            if (busy[block])
                break;
            busy[block] = true;
            content[block] = random.Next(image.Length);
            client.PutWrite(block, image[content[block]]);
            left--;
        }
        client.Exchange(reading: false, (block, error, _) =>
        {
            Check(block, error);
            busy[block] = false;
        });
    }
    long next = 0;
    long different = 0;
    while (next < blocks || client.Free < depth)
    {
        while (next < blocks && client.Free > 0)
            client.PutRead(next++);
        client.Exchange(reading: true, (block, error, data) =>
        {
            Check(block, error);
            if (!data.SequenceEqual(image[content[block]]))
                different++;
        });
    }
    Console.WriteLine(different == 0 ? "verified" : $"{different} blocks differ");
    return different == 0 ? 0 : 1;
}

static void Check(long block, uint error)
{
    if (error != 0)
        throw new IOException($"The server answers error {error} for block {block}.");
}

static byte[][] ReadImage(string path)
{
    using FileStream file = File.OpenRead(path);
    byte[][] blocks = new byte[file.Length / Block][];
    for (long i = 0; i < blocks.LongLength; i++)
        file.ReadExactly(blocks[i] = new byte[Block]);
    return blocks;
}
