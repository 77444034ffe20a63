using System.Buffers.Binary;
using PageFold.Disks;
using PageFold.Nbd.Protocol;

namespace PageFold.Nbd.Session;

/// <summary>The answer to a request for block status: how extents are held, in the contexts that were agreed on.</summary>
internal static class BlockStatus
{
    /// <summary>Bytes of an answer, at most.</summary>
    public static readonly int MaxLength = MetaContextNames.All.Length * ContextLength;

    private const int DescriptorLength = 2 * sizeof(uint);
    private const int ChunkOverhead = NbdConstants.ChunkHeaderLength + sizeof(uint);

    // What one reply describes at most; the client asks again from there on.
    private const int MaxDescriptors = 4096;
    private const long MaxPages = 1 << 18;
    private const int ContextLength = ChunkOverhead + MaxDescriptors * DescriptorLength;

    /// <summary>Writes the answer; returns its bytes.</summary>
    public static int Write(Span<byte> reply, in ReceivedRequest request, RamDisk disk, MetaContexts contexts)
    {
        int most = request.Has(CommandFlags.RequestOne) ? 1 : MaxDescriptors;
        // One walk for all contexts, so that they describe the same pages.
        ExtentList allocation = new(reply[ChunkOverhead..ContextLength], (contexts & MetaContexts.Allocation) != 0 ? most : 0);
        ExtentList residency = new(reply[(ContextLength + ChunkOverhead)..], (contexts & MetaContexts.Residency) != 0 ? most : 0);
        Describe(request, disk, ref allocation, ref residency);
        int written = 0;
        foreach ((MetaContexts context, _) in MetaContextNames.All)
        {
            if ((contexts & context) == 0)
                continue;
            bool last = (contexts & ~context & ~(context - 1)) == 0;
            ExtentList extents = context == MetaContexts.Allocation ? allocation : residency;
            Span<byte> chunk = reply[written..];
            extents.Written.CopyTo(chunk[ChunkOverhead..]);
            Replies.Chunk(chunk, request.Cookie, ChunkType.BlockStatus, done: last, sizeof(uint) + extents.Written.Length);
            BinaryPrimitives.WriteUInt32BigEndian(chunk[NbdConstants.ChunkHeaderLength..], (uint)context);
            written += ChunkOverhead + extents.Written.Length;
        }
        return written;
    }

    /// <summary>Describes runs of pages from the request's offset on, until all lists are full.</summary>
    private static void Describe(in ReceivedRequest request, RamDisk disk, ref ExtentList allocation, ref ExtentList residency)
    {
        long offset = request.Offset;
        long end = offset + request.Length;
        // The walk takes time, in which no other request of this connection is answered.
        long enough = Math.Min(end, offset + MaxPages * disk.PageSize);
        while (offset < enough && !(allocation.IsFull && residency.IsFull))
        {
            long run = disk.RunAt(offset, end - offset, out PageResidency held);
            allocation.Add(run, (uint)Allocation(held));
            residency.Add(run, (uint)Residency(held, disk.CacheBytes > 0));
            offset += run;
        }
        allocation.Complete();
        residency.Complete();
    }

    private static AllocationFlags Allocation(PageResidency residency) => residency switch
    {
        PageResidency.Hole => AllocationFlags.Hole | AllocationFlags.Zero,
        PageResidency.Zero => AllocationFlags.Zero,
        _ => AllocationFlags.None,
    };

    private static ResidencyFlags Residency(PageResidency residency, bool hasCache) => residency switch
    {
        PageResidency.Hole => ResidencyFlags.WriteMayMeetNoSpace,
        PageResidency.Zero => ResidencyFlags.Zero | ResidencyFlags.WriteMayMeetNoSpace,
        PageResidency.SameFilled => ResidencyFlags.SameFilled | ResidencyFlags.WriteMayMeetNoSpace,
        PageResidency.Compressed => ResidencyFlags.Compressed | ResidencyFlags.WriteMayMeetNoSpace,
        // No content compresses to more than the place of a raw page.
        PageResidency.Incompressible when !hasCache => ResidencyFlags.Incompressible,
        // A write to a part of it needs a place in the cache, where a page may wait for memory.
        PageResidency.Incompressible => ResidencyFlags.Incompressible | ResidencyFlags.WriteMayMeetNoSpace,
        _ => ResidencyFlags.WrittenBack | ResidencyFlags.WriteMayMeetNoSpace,
    };

    /// <summary>The descriptors of one context: runs of equal flags are one extent.</summary>
    private ref struct ExtentList(Span<byte> descriptors, int most)
    {
        private readonly Span<byte> _descriptors = descriptors;
        private int _count;
        private long _length;
        private uint _flags;

        public readonly bool IsFull => _count == most;

        public readonly ReadOnlySpan<byte> Written => _descriptors[..(_count * DescriptorLength)];

        /// <summary>Adds a run behind the last one; does nothing when the list is full.</summary>
        public void Add(long length, uint flags)
        {
            if (_length > 0 && flags != _flags)
                Complete();
            if (IsFull)
                return;
            _flags = flags;
            _length += length;
        }

        /// <summary>Writes the last extent, if it was not written yet.</summary>
        public void Complete()
        {
            if (_length == 0)
                return;
            Span<byte> descriptor = _descriptors[(_count++ * DescriptorLength)..];
            BinaryPrimitives.WriteUInt32BigEndian(descriptor, (uint)_length);
            BinaryPrimitives.WriteUInt32BigEndian(descriptor[sizeof(uint)..], _flags);
            _length = 0;
        }
    }
}
