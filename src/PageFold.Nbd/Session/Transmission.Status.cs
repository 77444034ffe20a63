using System.Buffers.Binary;
using PageFold.Disks;
using PageFold.Nbd.Protocol;

namespace PageFold.Nbd.Session;

/// <summary>Block status: how extents are held, in the contexts that were agreed on.</summary>
internal sealed partial class Transmission
{
    private const int DescriptorLength = 2 * sizeof(uint);
    private const int StatusOverhead = NbdConstants.ChunkHeaderLength + sizeof(uint);

    // What one reply tells at most; the client asks again from there on.
    private const int MostDescriptors = 4096;
    private const long MostPages = 1 << 18;

    private void AnswerStatus()
    {
        const int Room = StatusOverhead + MostDescriptors * DescriptorLength;
        int most = (_request.Flags & CommandFlags.RequestOne) != 0 ? 1 : MostDescriptors;
        lock (_replies.Lock)
        {
            Span<byte> reply = _replies.Reserve(MetaContextNames.All.Length * Room);
            // One walk for all contexts, so that they tell of the same pages.
            ExtentList allocation = new(reply[StatusOverhead..Room], (_contexts & MetaContexts.Allocation) != 0 ? most : 0);
            ExtentList residency = new(reply[(Room + StatusOverhead)..], (_contexts & MetaContexts.Residency) != 0 ? most : 0);
            Describe(ref allocation, ref residency);
            int written = 0;
            foreach ((MetaContexts context, _) in MetaContextNames.All)
            {
                if ((_contexts & context) == 0)
                    continue;
                bool last = (_contexts & ~context & ~(context - 1)) == 0;
                ExtentList extents = context == MetaContexts.Allocation ? allocation : residency;
                Span<byte> chunk = reply[written..];
                extents.Written.CopyTo(chunk[StatusOverhead..]);
                Replies.Chunk(chunk, _request.Cookie, ChunkType.BlockStatus, done: last, sizeof(uint) + extents.Written.Length);
                BinaryPrimitives.WriteUInt32BigEndian(chunk[NbdConstants.ChunkHeaderLength..], (uint)context);
                written += StatusOverhead + extents.Written.Length;
            }
            _replies.Commit(written);
        }
        _export.Counters.Count(NbdCommand.BlockStatus, _request.Length, NbdError.None, _started);
    }

    /// <summary>Describes runs of pages from the request's offset on, until all lists are full.</summary>
    private void Describe(ref ExtentList allocation, ref ExtentList residency)
    {
        long end = _position + _request.Length;
        long offset = _position;
        // Looking at pages takes time, in which no other request of this connection is answered.
        long enough = Math.Min(end, offset + MostPages * _disk.PageSize);
        while (offset < enough && !(allocation.IsFull && residency.IsFull))
        {
            long run = _disk.RunAt(offset, end - offset, out PageResidency held);
            allocation.Add(run, (uint)Allocation(held));
            residency.Add(run, (uint)Residency(held));
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

    private ResidencyFlags Residency(PageResidency residency) => residency switch
    {
        PageResidency.Hole => ResidencyFlags.WriteMayMeetNoSpace,
        PageResidency.Zero => ResidencyFlags.Zero | ResidencyFlags.WriteMayMeetNoSpace,
        PageResidency.SameFilled => ResidencyFlags.SameFilled | ResidencyFlags.WriteMayMeetNoSpace,
        PageResidency.Compressed => ResidencyFlags.Compressed | ResidencyFlags.WriteMayMeetNoSpace,
        // Nothing compresses to more than its own place.
        PageResidency.Incompressible when _disk.CacheBytes == 0 => ResidencyFlags.Incompressible,
        // A part of it needs a place in the cache, which a page may have that waits for memory.
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

        /// <summary>Adds a run behind the ones before; passed over when the list is full.</summary>
        public void Add(long length, uint flags)
        {
            if (_length > 0 && flags != _flags)
                Complete();
            if (IsFull)
                return;
            _flags = flags;
            _length += length;
        }

        /// <summary>Writes the extent that is not complete yet, if there is one.</summary>
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
