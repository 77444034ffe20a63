using System.Runtime.InteropServices;
using SharpFuzz.Common;

namespace PageFold.Fuzz;

/// <summary>
/// Which branches an input takes, as instrumented assemblies note it: a byte for each pair of basic blocks in sequence, as AFL counts them.
/// Without instrumentation nothing is noted, and no input is new.
/// </summary>
/// <remarks>The notes are of the whole process: what other threads do meanwhile is among them.</remarks>
internal sealed unsafe class Coverage
{
    private const int Size = 1 << 16;

    private readonly byte* _map = (byte*)NativeMemory.AllocZeroed(Size);
    private readonly byte[] _seen = new byte[Size];

    public Coverage() => Trace.SharedMem = _map;

    /// <summary>Pairs of blocks seen so far.</summary>
    public int Edges => _seen.Count(buckets => buckets != 0);

    public void Begin()
    {
        new Span<byte>(_map, Size).Clear();
        Trace.PrevLocation = 0;
    }

    /// <summary>True if the run since <see cref="Begin"/> has taken a branch that none before has, or one clearly more often.</summary>
    public bool IsNew()
    {
        bool isNew = false;
        for (int edge = 0; edge < Size; edge++)
        {
            if (_map[edge] == 0)
                continue;
            byte bucket = BucketOf(_map[edge]);
            isNew |= (_seen[edge] & bucket) == 0;
            _seen[edge] |= bucket;
        }
        return isNew;
    }

    private static byte BucketOf(byte count) => count switch
    {
        1 => 1,
        2 => 2,
        3 => 4,
        < 8 => 8,
        < 16 => 16,
        < 32 => 32,
        < 128 => 64,
        _ => 128,
    };
}
