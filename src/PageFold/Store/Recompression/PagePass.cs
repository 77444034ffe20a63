using PageFold.Frames;
using PageFold.Store.Codecs;
using PageFold.Store.Index;

namespace PageFold.Store.Recompression;

/// <summary>
/// A pass over the pages that replaces the stored bytes of some of them by others for the same content, and counts what came of it. Other
/// threads may read, write and discard meanwhile; a page that they use is left as it is. Used by one thread.
/// </summary>
/// <param name="index">Where the pages are.</param>
/// <param name="streams">What pages are decompressed and compressed with.</param>
/// <param name="codec">The number of the codec that pages are compressed with.</param>
/// <param name="maxPages">Ends the pass after so many pages, whatever came of them; null for no such end.</param>
internal abstract unsafe class PagePass(PageIndex index, CodecStreams streams, int codec, long? maxPages)
{
    protected PageIndex Index => index;

    /// <summary>The number of the codec that pages are compressed with.</summary>
    protected int Codec => codec;

    public long Examined { get; private set; }

    /// <summary>Pages whose bytes were replaced.</summary>
    public long Converted { get; private set; }

    public long WithoutGain { get; private set; }

    public long Skipped { get; private set; }

    /// <summary>Pages that found no memory, of those that were skipped.</summary>
    public long WithoutMemory { get; private set; }

    /// <summary>Stored bytes that pages take less now; negative if they take more.</summary>
    public long BytesGained { get; protected set; }

    /// <summary>True if no more pages are to be taken.</summary>
    public bool IsAtEnd => Examined >= (maxPages ?? long.MaxValue);

    /// <summary>The page that found no memory last, until the caller has seen to it.</summary>
    public long? ShortAt { get; set; }

    /// <summary>
    /// Goes on to the next page that is wanted, or to the end of a leaf; false at the end of the table. Enters and leaves the rundown gate
    /// each time, so that tables can be trimmed and the store closed while a long pass goes on.
    /// </summary>
    public bool Step(ref PageWalk walk)
    {
        using RundownGate.Entry entry = index.Enter();
        if (!index.TryFindLeaf(walk.From, PageIndex.MaxPage + 1, entry.Stripe, out Leaf leaf))
            return false;
        for (int place = 0; leaf.TryNext(ref place); place++)
        {
            uint page = (uint)(leaf.First + place);
            walk.Passed++;
            if (!IsWanted(leaf.Word(place), page))
                continue;
            walk.From = page + 1L;
            Convert(page, entry.Stripe);
            return true;
        }
        walk.From = leaf.End;
        return true;
    }

    /// <summary>Takes back what was counted last, for a page that found no memory and is tried again.</summary>
    public void ForgetShortage() => Count(PassOutcome.NoMemory, -1);

    /// <summary>True if the pass is to convert a page that holds this. Called again when the page is pinned.</summary>
    protected abstract bool IsWanted(ulong word, uint page);

    /// <summary>Converts a pinned page that is wanted, if no other thread uses it.</summary>
    protected abstract PassOutcome Convert(in PinnedPage page, CodecStream stream, int stripe);

    private void Convert(uint page, int stripe)
    {
        RoomMaker.Attempts attempts = index.Room.Begin();
        PassOutcome outcome;
        // Room is made between two attempts, when nothing is held that other threads wait for.
        do
            outcome = Attempt(page, stripe);
        while (outcome == PassOutcome.NoMemory && attempts.TryMakeRoom());
        if (outcome == PassOutcome.NoMemory)
            ShortAt = page;
        Count(outcome, 1);
    }

    private PassOutcome Attempt(uint number, int stripe)
    {
        using CodecStream stream = streams.Take(stripe);
        // Found anew for each attempt: making room may have given back the slot's part of the table.
        using PinnedPage page = index.Pin(number);
        // Checked again, now that no other thread can change the page.
        return page.IsStored && IsWanted(page.Word, number) ? Convert(page, stream, stripe) : PassOutcome.Skipped;
    }

    private void Count(PassOutcome outcome, int count)
    {
        Examined += count;
        switch (outcome)
        {
            case PassOutcome.Converted:
                Converted += count;
                break;
            case PassOutcome.WithoutGain:
                WithoutGain += count;
                break;
            default:
                Skipped += count;
                WithoutMemory += outcome == PassOutcome.NoMemory ? count : 0;
                break;
        }
    }
}

/// <summary>What came of one page.</summary>
internal enum PassOutcome
{
    Converted,
    WithoutGain,
    Skipped,
    NoMemory,
}
