using PageFold.Compression.Matching;
using PageFold.Compression.Paths;

namespace PageFold.Tests.Compression.Paths;

/// <summary>The operations of a path, behind virtual methods, so that a test names the path by a value.</summary>
internal abstract unsafe class PathOperations
{
    public static PathOperations Of<TPath>()
        where TPath : struct, IInstructionPath => new Operations<TPath>();

    public abstract uint EqualBytes(byte* a, byte* b);

    public abstract void Copy16(byte* to, byte* from);

    public abstract void Copy32(byte* to, byte* from);

    public abstract void Repeat32(byte* to, byte* period, byte* indexes);

    public abstract void Repeat(byte* to, byte* period, byte* indexes, nint step, byte* end);

    public abstract ulong Deposit(ulong bits, ulong mask);

    public abstract ulong Extract(ulong fields, ulong mask);

    public abstract int CountBits(ulong value);

    public abstract int TrailingZeros(ulong value);

    public abstract int LeadingZeros(ulong value);

    public abstract void Hash<TShape>(byte* text, uint* indexes, uint* entries, uint first, int count)
        where TShape : struct, IMatchShape;

    public abstract uint Exchange<TShape>(uint* table, uint* indexes, uint* entries, ushort* distances)
        where TShape : struct, IMatchShape;

    public abstract uint LookUp<TShape>(uint* table, int moreBits, uint* indexes, uint* entries, uint reach, ushort* distances)
        where TShape : struct, IMatchShape;

    private sealed class Operations<TPath> : PathOperations
        where TPath : struct, IInstructionPath
    {
        public override uint EqualBytes(byte* a, byte* b) => TPath.EqualBytes(a, b);

        public override void Copy16(byte* to, byte* from) => TPath.Copy16(to, from);

        public override void Copy32(byte* to, byte* from) => TPath.Copy32(to, from);

        public override void Repeat32(byte* to, byte* period, byte* indexes) => TPath.Repeat32(to, period, indexes);

        public override void Repeat(byte* to, byte* period, byte* indexes, nint step, byte* end) =>
            TPath.Repeat(to, period, indexes, step, end);

        public override ulong Deposit(ulong bits, ulong mask) => TPath.Deposit(bits, mask);

        public override ulong Extract(ulong fields, ulong mask) => TPath.Extract(fields, mask);

        public override int CountBits(ulong value) => (int)TPath.CountBits(value);

        public override int TrailingZeros(ulong value) => (int)TPath.TrailingZeros(value);

        public override int LeadingZeros(ulong value) => (int)TPath.LeadingZeros(value);

        public override void Hash<TShape>(byte* text, uint* indexes, uint* entries, uint first, int count) =>
            TPath.Hash<TShape>(text, indexes, entries, first, count);

        public override uint Exchange<TShape>(uint* table, uint* indexes, uint* entries, ushort* distances) =>
            TPath.Exchange<TShape>(table, indexes, entries, distances);

        public override uint LookUp<TShape>(uint* table, int moreBits, uint* indexes, uint* entries, uint reach, ushort* distances) =>
            TPath.LookUp<TShape>(table, moreBits, indexes, entries, reach, distances);
    }
}
