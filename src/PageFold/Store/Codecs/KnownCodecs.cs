using System.Runtime.CompilerServices;
using PageFold.Store.Index;

namespace PageFold.Store.Codecs;

/// <summary>
/// The codecs that a store knew when its counters were read. Taken while all counters are held: a number with pages keeps its codec then,
/// so pages and codecs belong together, and no codec is asked for anything meanwhile.
/// </summary>
internal struct KnownCodecs
{
    private References _codecs;
    private int _forWrites;

    public static KnownCodecs Of(CodecTable codecs)
    {
        KnownCodecs known = default;
        for (int number = 0; number < PageWord.MaxCodecs; number++)
            known._codecs[number] = codecs[number];
        known._forWrites = codecs.ForWrites;
        return known;
    }

    /// <summary>What the codecs say of themselves, with the pages that were counted. Called when no latch is held any more.</summary>
    public readonly IReadOnlyList<CodecUse> Describe(in StoreFigures figures, int pageSize)
    {
        List<CodecUse> uses = new(PageWord.MaxCodecs);
        for (int number = 0; number < PageWord.MaxCodecs; number++)
        {
            if (_codecs[number] is { } codec)
                uses.Add(CodecUse.Of(codec, number, figures[StoreCounter.FirstCodec + number], number == _forWrites, pageSize));
        }
        return uses;
    }

    [InlineArray(PageWord.MaxCodecs)]
    private struct References
    {
        private PageCodec? _first;
    }
}
