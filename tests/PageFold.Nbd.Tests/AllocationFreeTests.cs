using System.Buffers.Binary;
using System.Net.Sockets;

namespace PageFold.Nbd.Tests;

/// <summary>In steady state no request allocates on the GC heap, from the socket to the disk and back.</summary>
[Collection(Alone.Name)]
public class AllocationFreeTests
{
    [Theory]
    [InlineData("lz4", 4096, true)]
    [InlineData("lz4", 4096, false)]
    [InlineData("lz4", 65536, true)]
    [InlineData("fold", 16384, true)]
    [InlineData("zstd", 65536, true)]
    public void Requests_allocate_nothing_from_the_socket_to_the_disk_and_back(string codec, int pageSize, bool structured)
    {
        const int Requests = 5000;
        // The runtime's own threads and timers allocate a little now and then; a byte a request would be 5,000.
        const long Enough = 4000;
        using Serving serving = new(TestDisk.Make(8 << 20, pageSize, CodecOf(codec)));
        using RawClient client = serving.Attach(structured: structured, contexts: structured ? ["base:allocation"] : []);
        Socket socket = client.Socket;
        byte[] content = Content.Compressible(8192, 1);
        byte[] request = new byte[28];
        byte[] reply = new byte[16384];

        void Do(int command, ulong offset, uint length)
        {
            BinaryPrimitives.WriteUInt32BigEndian(request, Wire.RequestMagic);
            BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(6), (ushort)command);
            BinaryPrimitives.WriteUInt64BigEndian(request.AsSpan(16), offset);
            BinaryPrimitives.WriteUInt32BigEndian(request.AsSpan(24), length);
            socket.Send(request);
            if (command == Command.Write)
                socket.Send(content.AsSpan(0, (int)length));
            bool done;
            do
            {
                Take(16);
                bool simple = Wire.ToU32(reply) == Wire.SimpleReplyMagic;
                done = simple || reply[5] == 1;
                if (!simple)
                {
                    Take(4);
                    Take((int)Wire.ToU32(reply));
                }
                else if (command == Command.Read)
                {
                    Take((int)length);
                }
            }
            while (!done);
        }

        void Take(int count)
        {
            for (int taken = 0; taken < count;)
                taken += socket.Receive(reply.AsSpan(taken, count - taken));
        }

        void DoAll()
        {
            for (int i = 0; i < Requests / 5; i++)
            {
                ulong offset = (ulong)(i * 4096 % (4 << 20));
                Do(Command.Write, offset, 4096);
                Do(Command.Read, offset, 8192);
                Do(Command.Flush, 0, 0);
                Do(Command.WriteZeroes, offset, 8192);
                if (structured)
                    Do(Command.BlockStatus, 0, 1 << 20);
                else
                    Do(Command.Trim, offset, 8192);
            }
        }

        long least = Allocations.Least(() => GC.GetTotalAllocatedBytes(precise: true), DoAll, warmUp: 4, Enough);
        Assert.True(least <= Enough, $"{least} bytes for {Requests} requests: {(least > Enough ? Allocations.Name(DoAll) : null)}");
    }

    private static PageCodec CodecOf(string name) =>
        name switch { "lz4" => PageCodec.Lz4, "fold" => PageCodec.Fold(), _ => PageCodec.Zstd(1) };
}
