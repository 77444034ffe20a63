using PageFold.Allocation;
using PageFold.Frames;

namespace PageFold.Store.Index;

// Metadata queries. They do not read page content, never block, and do not count as an access.
internal sealed unsafe partial class PageIndex
{
    /// <summary>What a page's slot holds, from outside the gate.</summary>
    public ulong Look(uint page)
    {
        using RundownGate.Entry entry = Enter();
        return Peek(page);
    }

    /// <summary>What is known about a page; false if it is not stored.</summary>
    public bool TryGetInfo(uint page, out PageInfo info)
    {
        using RundownGate.Entry entry = Enter();
        ulong word = Peek(page);
        info = default;
        if (PageWord.StateOf(word, PageSize) is not { } state)
            return false;
        info = new PageInfo { State = state, Age = AgeOf(page) };
        if (state != PageState.SameFilled)
        {
            info = info with
            {
                StoredBytes = SlotWord.Size(word),
                Codec = PageWord.Codec(word),
                WithoutGain = PageWord.IsWithoutGain(word),
            };
        }
        return true;
    }

    /// <summary>Finds the first stored page of a range; false if there is none.</summary>
    public bool TryFindNext(long first, long end, out long page)
    {
        foreach (Leaf leaf in Leaves(first, end))
        {
            int place = leaf.NextStored(0);
            if (place == leaf.Length)
                continue;
            page = leaf.First + place;
            return true;
        }
        page = 0;
        return false;
    }

    /// <summary>How the first page of a range is held, and how many from there on are held in the same way.</summary>
    public PageRun RunAt(long first, long end)
    {
        RunBuilder run = new(first);
        foreach (Leaf leaf in Leaves(first, end))
        {
            // Pages without a leaf are not stored.
            if (!run.TryExtend(leaf.First, null, readsAsZeros: true))
                return run.Run;
            for (int place = 0; place < leaf.Length; place++)
            {
                if (run.IsOfAbsentPages)
                {
                    place = leaf.NextStored(place);
                    if (!run.TryExtend(leaf.First + place, null, readsAsZeros: true) || place == leaf.Length)
                        break;
                }
                ulong word = leaf.Word(place);
                if (!run.TryExtend(leaf.First + place + 1, PageWord.StateOf(word, PageSize), PageWord.ReadsAsZeros(word)))
                    return run.Run;
            }
        }
        _ = run.TryExtend(end, null, readsAsZeros: true);
        return run.Run;
    }

    /// <summary>A run of pages that grows as long as the next ones are held in the same way.</summary>
    private struct RunBuilder(long first)
    {
        private PageRun _run;

        public readonly PageRun Run => _run;

        public readonly bool IsOfAbsentPages => _run.Count > 0 && _run.State is null;

        /// <summary>Adds the pages up to <paramref name="end"/>, if there are any; false if they are held in another way.</summary>
        public bool TryExtend(long end, PageState? state, bool readsAsZeros)
        {
            long count = end - first;
            if (count == _run.Count)
                return true;
            if (_run.Count > 0 && (state != _run.State || readsAsZeros != _run.ReadsAsZeros))
                return false;
            _run = new PageRun { Count = count, State = state, ReadsAsZeros = readsAsZeros };
            return true;
        }
    }
}
