from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from .models import Transaction


class TransactionForm(forms.ModelForm):
    """A new transaction."""

    class Meta:
        model = Transaction
        fields = ["category", "amount"]


@login_required
def transactions(request: HttpRequest) -> HttpResponse:
    """The user's latest transactions, and a form for a new one."""
    form = TransactionForm(request.POST or None)
    if form.is_valid():
        form.instance.user = request.user
        form.save()
        return redirect("transactions")
    latest = Transaction.objects.filter(user=request.user).select_related("category")[:25]
    return render(request, "ledger/transactions.html", {"form": form, "transactions": latest})
