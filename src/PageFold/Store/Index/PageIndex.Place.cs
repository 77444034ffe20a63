using PageFold.Allocation;
using PageFold.Frames;
using PageFold.Mapping;
using PageFold.Store.Log;

namespace PageFold.Store.Index;

// What changes a page: each operation here ends with Publish.
internal sealed unsafe partial class PageIndex
{
    /// <summary>
    /// Stores bytes for a page, in place of what it held; false when there is no memory, and then nothing has changed. The caller holds no
    /// slot.
    /// </summary>
    /// <param name="page">The page.</param>
    /// <param name="slot">Its slot, as <see cref="Find"/> gave it.</param>
    /// <param name="bytes">What is to be stored.</param>
    /// <param name="size">How many bytes.</param>
    /// <param name="codec">The codec that made them, by number.</param>
    /// <param name="lastResort">Uses the reserve or the old content's place rather than fail.</param>
    /// <param name="stripe">The processor's part of the counters.</param>
    public bool TryPlace(uint page, ulong* slot, byte* bytes, int size, int codec, bool lastResort, int stripe)
    {
        // Read without the lock, to save taking it in vain; TryOverwrite reads it again under the lock.
        ulong seen = slot is null ? 0 : Volatile.Read(ref *slot);
        int before = SlotWord.HoldsObject(seen) ? _heap.Footprint(SlotWord.Size(seen)) : 0;
        int after = _heap.Footprint(size);
        if (before == after && TryOverwrite(ref *slot, page, bytes, size, codec, onlyIfSameClass: true, stripe))
            return true;
        // A page that shrinks may in the end draw on the reserve: its old object makes up for that.
        ReserveUse reserve = lastResort && after < before ? ReserveUse.Replacement : ReserveUse.None;
        if (!_heap.TryMake(size, codec, reserve, mayReclaim: false, out UnpublishedObject made))
            return lastResort && slot is not null && TryOverwrite(ref *slot, page, bytes, size, codec, onlyIfSameClass: false, stripe);
        // The object first: a refusal must not leave a part of the table behind.
        if (slot is null && !_slots.TryEnsure(page, out slot))
        {
            _heap.Free(made.Location);
            return false;
        }
        _access?.Ensure(page);
        // The object's memory comes while the checksum is computed.
        made.Fill(TagFor(page, ChecksumOf(new ReadOnlySpan<byte>(bytes, size), page)), bytes);
        Replace(ref *slot, page, made.Word, stripe);
        return true;
    }

    /// <summary>Stores a page of one repeated word; false when there is no memory to note the word.</summary>
    public bool TryFill(uint page, ulong word, int stripe)
    {
        if (!_slots.TryEnsure(page, out ulong* slot))
            return false;
        _access?.Ensure(page);
        if (SameFilled.FitsSlot(word))
        {
            Replace(ref *slot, page, SameFilled.SlotFor(word), stripe);
            return true;
        }
        if (!_patterns.TryAdd(word, out uint pattern))
            return TryRefill(ref *slot, page, word);
        Replace(ref *slot, page, SameFilled.SlotForPattern(pattern), stripe);
        return true;
    }

    /// <summary>
    /// Replaces the stored bytes of a pinned page by others that decompress to the same page, if no other thread uses the page. The caller
    /// stays a reader.
    /// </summary>
    /// <param name="page">The page.</param>
    /// <param name="bytes">The bytes.</param>
    /// <param name="size">How many.</param>
    /// <param name="codec">The codec that made them, by number.</param>
    /// <param name="checksum">Their checksum.</param>
    /// <param name="mayStay">
    /// Writes over the old bytes where the class is the same, or where there is no memory for an object of a smaller class.
    /// </param>
    /// <param name="stripe">The processor's part of the counters.</param>
    public ReplaceOutcome TryReplace(in PinnedPage page, byte* bytes, int size, int codec, uint checksum, bool mayStay, int stripe)
    {
        ulong word = page.Word;
        bool isObject = SlotWord.HoldsObject(word);
        int before = isObject ? _heap.Capacity(SlotWord.Location(word)) : 0;
        int after = _heap.Footprint(size);
        bool stays = mayStay && isObject && after == before;
        UnpublishedObject made = default;
        // What is replaced by less makes up for what is taken from the reserve.
        ReserveUse reserve = after < before ? ReserveUse.Replacement : ReserveUse.None;
        if (!stays && !_heap.TryMake(size, codec, reserve, mayReclaim: false, out made))
        {
            stays = mayStay && isObject && size <= before;
            if (!stays)
                return ReplaceOutcome.NoMemory;
        }
        if (!stays)
            made.Fill(TagFor(page.Number, checksum), bytes);
        if (!SlotWord.TryUpgrade(ref page.Slot, word))
        {
            if (!stays)
                _heap.Free(made.Location);
            return ReplaceOutcome.InUse;
        }
        ulong held = made.Word;
        if (stays)
        {
            held = _heap.WordFor(SlotWord.Location(word), size, codec);
            _heap.View(held, out ulong* tag).CopyFrom(bytes);
            *tag = TagFor(page.Number, checksum);
        }
        Account(SlotWord.Unlocked(word), held, stripe);
        SlotWord.Downgrade(ref page.Slot, held);
        if (!stays)
            Release(word);
        return ReplaceOutcome.Replaced;
    }

    /// <summary>Bytes of memory that the object of a pinned page takes.</summary>
    public int FootprintOf(in PinnedPage page) =>
        SlotWord.Kind(page.Word) == SlotKind.Object ? _heap.Footprint(page.Size) : _heap.Capacity(SlotWord.Location(page.Word));

    /// <summary>Removes a page; false if it was not stored. The caller holds no slot.</summary>
    public bool Remove(ref ulong slot, uint page, int stripe) => Replace(ref slot, page, 0, stripe);

    /// <summary>
    /// Has a page name a record in place of its object, if the object still is what was copied to the record; never waits.
    /// </summary>
    /// <param name="entry">The page and what its slot held when it was copied.</param>
    /// <param name="record">The record.</param>
    /// <param name="position">Where it is in the file.</param>
    /// <param name="stripe">The processor's part of the counters.</param>
    public bool TryMoveToRecord(in BatchEntry entry, ReadOnlySpan<byte> record, long position, int stripe)
    {
        ulong* slot = _slots.Find(entry.Page);
        ulong word = Volatile.Read(ref *slot);
        int size = SlotWord.Size(entry.Word);
        // It may lie elsewhere by now.
        if (SlotWord.IsLocked(word) || !SlotWord.HoldsObject(word) || SlotWord.Size(word) != size
            || PageWord.Codec(word) != PageWord.Codec(entry.Word) || !SlotWord.TryAcquireExclusive(ref *slot, word))
        {
            return false;
        }
        ObjectView view = _heap.View(word, out ulong* tag);
        bool same = *tag == RecordFormat.Header(record)
            && view.FirstSpan.SequenceEqual(record.Slice(RecordFormat.HeaderBytes, view.FirstLength))
            && view.SecondSpan.SequenceEqual(record[(RecordFormat.HeaderBytes + view.FirstLength)..]);
        ulong after = word;
        if (same)
        {
            _log!.Add(position, size);
            after = WrittenBack.SlotFor(word, position);
        }
        Publish(ref *slot, word, after, stripe);
        if (!same)
            return false;
        _heap.Free(SlotWord.Location(word));
        return true;
    }

    /// <summary>
    /// Has a page name a copy of its record, if it still names the record. Waits for readers, so that the old record's segment can go.
    /// </summary>
    public void MoveRecord(in BatchEntry entry, long position)
    {
        ulong* slot = _slots.Find(entry.Page);
        ulong word = SlotWord.AcquireExclusive(ref *slot);
        bool same = WrittenBack.Is(word) && WrittenBack.Position(word) == WrittenBack.Position(entry.Word);
        int size = SlotWord.Size(entry.Word);
        if (same)
            _log!.Add(position, size);
        SlotWord.ReleaseExclusive(ref *slot, same ? WrittenBack.SlotFor(word, position) : word);
        if (same)
            _log!.Remove(WrittenBack.Position(word), size);
    }

    /// <summary>Publishes what a slot is to hold and frees what it held; false if it held nothing.</summary>
    private bool Replace(ref ulong slot, uint page, ulong word, int stripe)
    {
        ulong old = SlotWord.AcquireExclusive(ref slot);
        if (_access is not null)
            NoteAccess(page, word);
        Publish(ref slot, old, word, stripe);
        Release(old);
        return !PageWord.IsEmpty(old);
    }

    /// <summary>Frees what a word named that is in no slot any more.</summary>
    private void Release(ulong word)
    {
        if (SlotWord.HoldsObject(word))
            _heap.Free(SlotWord.Location(word));
        else if (WrittenBack.Is(word))
            _log!.Remove(WrittenBack.Position(word), SlotWord.Size(word));
        else if (SameFilled.Is(word) && SameFilled.NamesPattern(word))
            _patterns.Remove(SameFilled.Pattern(word));
    }

    private void NoteAccess(uint page, ulong word)
    {
        if (PageWord.IsEmpty(word))
            _access!.Forget(page);
        else
            _access!.Touch(page);
    }

    /// <summary>
    /// Writes over the old content where it lies, which needs no memory; false if there is none or its place is too small. Readers see the
    /// old page or the new one: the slot is held alone meanwhile.
    /// </summary>
    private bool TryOverwrite(ref ulong slot, uint page, byte* bytes, int size, int codec, bool onlyIfSameClass, int stripe)
    {
        ulong tag = TagFor(page, ChecksumOf(new ReadOnlySpan<byte>(bytes, size), page));
        ulong old = SlotWord.AcquireExclusive(ref slot);
        ulong word = old;
        bool fits = false;
        if (SlotWord.HoldsObject(old))
        {
            int place = _heap.Capacity(SlotWord.Location(old));
            fits = onlyIfSameClass ? place == _heap.Footprint(size) : size <= place;
        }
        if (fits)
        {
            word = _heap.WordFor(SlotWord.Location(old), size, codec);
            _heap.View(word, out ulong* place).CopyFrom(bytes);
            *place = tag;
            _access?.Touch(page);
        }
        Publish(ref slot, old, word, stripe);
        return fits;
    }

    /// <summary>
    /// Fills a page that is same-filled already with another word. That needs no memory if no other page is filled with the old word.
    /// </summary>
    private bool TryRefill(ref ulong slot, uint page, ulong word)
    {
        ulong held = SlotWord.AcquireExclusive(ref slot);
        bool refilled = false;
        if (SameFilled.Is(held) && SameFilled.NamesPattern(held))
        {
            uint pattern = SameFilled.Pattern(held);
            refilled = _patterns.TryReplace(ref pattern, word);
            held = SameFilled.SlotForPattern(pattern);
            _access?.Touch(page);
        }
        SlotWord.ReleaseExclusive(ref slot, held);
        return refilled;
    }

    /// <summary>
    /// Accounts for a change of a page whose slot the caller holds alone, and ends the holding with the page's new word in the slot.
    /// </summary>
    /// <remarks>
    /// In this order, because the next change of the page is accounted for after this one: no counter falls below what is there.
    /// </remarks>
    private void Publish(ref ulong slot, ulong old, ulong word, int stripe)
    {
        Account(old, word, stripe);
        SlotWord.ReleaseExclusive(ref slot, word);
    }

    private void Account(ulong old, ulong word, int stripe)
    {
        if (old == word)
            return;
        ref StoreFigures figures = ref _counters.Enter(stripe);
        Count(ref figures, old, -1);
        Count(ref figures, word, 1);
        if (PageWord.IsEmpty(word))
            figures[StoreCounter.Emptied]++;
        _counters.Exit(stripe);
    }

    private void Count(ref StoreFigures figures, ulong word, int pages)
    {
        if (PageWord.IsEmpty(word))
            return;
        figures[StoreCounter.Pages] += pages;
        if (SameFilled.Is(word))
        {
            figures[StoreCounter.SameFilled] += pages;
            return;
        }
        int size = SlotWord.Size(word);
        bool raw = size == PageSize;
        if (WrittenBack.Is(word))
        {
            figures[StoreCounter.WrittenBack] += pages;
            figures[StoreCounter.WrittenBackBytes] += pages * size;
        }
        else
        {
            figures[StoreCounter.CompressedBytes] += pages * size;
            figures[StoreCounter.Incompressible] += raw ? pages : 0;
        }
        figures[StoreCounter.FirstCodec + PageWord.Codec(word)] += raw ? 0 : pages;
    }
}

/// <summary>What came of replacing a pinned page's bytes.</summary>
internal enum ReplaceOutcome
{
    Replaced,

    /// <summary>Another thread reads the page or waits for it.</summary>
    InUse,

    /// <summary>There is no memory for the new bytes.</summary>
    NoMemory,
}
